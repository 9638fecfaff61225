"""What may be a root."""

from pathlib import Path

import pytest

from audio_assets.errors import SettingsError
from audio_assets.objects.roots import open_root


def test_a_tilde_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(open_root("~/clips")) == str(tmp_path / "clips")
    assert str(open_root("clips~/~")) == "clips~/~"


@pytest.mark.parametrize("root", ["s3://bucket/x", "gs://", "gs:///x", "~no-such-user/clips"])
def test_what_is_neither_a_folder_nor_a_bucket_is_named(root: str) -> None:
    with pytest.raises(SettingsError, match="neither a folder nor a gs:// prefix"):
        open_root(root)
