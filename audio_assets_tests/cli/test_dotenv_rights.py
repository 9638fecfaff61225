"""A secret that others on the machine can read is named, with the command that ends it."""

import pytest

from audio_assets.cli.doctor import examine
from audio_assets.cli.dotenv_rights import readable_secrets

# Windows tells no rights in the mode.
pytestmark = pytest.mark.posix

SECRET = "https://hooks.example/very-secret"


@pytest.fixture
def dotenv(tmp_path):
    return tmp_path / ".env"


@pytest.mark.parametrize(
    "line", [f"AUDIO_ASSETS_WEBHOOK_URL={SECRET}", f"audio_assets_webhook_url = '{SECRET}'"]
)
@pytest.mark.parametrize(("mode", "who"), [(0o644, "all users"), (0o604, "all"), (0o640, "group")])
def test_a_secret_that_others_can_read_is_named_with_what_to_do(dotenv, line, mode, who):
    dotenv.write_text(f"AUDIO_ASSETS_SEED=1\n{line}\n")
    dotenv.chmod(mode)
    found, todo = readable_secrets(dotenv)
    assert "webhook_url" in found.lower() and who in found and "SEED" not in found
    assert todo.endswith(f"chmod 600 {dotenv}")
    assert SECRET not in found + todo


def test_secrets_of_other_programs_count_too(dotenv):
    dotenv.write_text("KAGGLE_KEY=x\nMONKEY=y\n")
    found, _ = readable_secrets(dotenv)
    assert "KAGGLE_KEY" in found and "MONKEY" not in found


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (f"AUDIO_ASSETS_WEBHOOK_URL={SECRET}\n", 0o600),
        ("AUDIO_ASSETS_SEED=1\n", 0o644),
        ("AUDIO_ASSETS_WEBHOOK_URL=\n", 0o644),
        (f"#AUDIO_ASSETS_WEBHOOK_URL={SECRET}\n", 0o644),
    ],
)
def test_without_a_secret_or_with_the_right_mode_nothing_is_said(dotenv, text, mode):
    dotenv.write_text(text)
    dotenv.chmod(mode)
    assert readable_secrets(dotenv) is None


def test_without_a_file_nothing_is_said(dotenv):
    assert readable_secrets(dotenv) is None


def test_the_doctor_has_a_line_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"AUDIO_ASSETS_WEBHOOK_URL={SECRET}\n")
    (tmp_path / ".env").chmod(0o644)
    findings = examine()
    assert [next(findings).subject, next(findings).subject] == ["settings", ".env"]
