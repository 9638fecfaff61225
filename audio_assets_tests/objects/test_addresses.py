"""Addresses of published files in a browser."""

from pathlib import Path

import pytest
from upath import UPath

from audio_assets.objects.addresses import browser_address
from audio_assets.objects.roots import open_root


def test_a_file_in_a_folder_has_an_absolute_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert browser_address(UPath("a b/ü.html")) == f"{tmp_path.as_uri()}/a%20b/%C3%BC.html"


def test_a_file_in_a_bucket_has_the_address_at_which_google_shows_it_to_its_readers():
    file = open_root("gs://my-bucket/some results") / "report" / "index.html"
    assert browser_address(file) == (
        "https://storage.cloud.google.com/my-bucket/some%20results/report/index.html"
    )


@pytest.mark.parametrize("name", ["report/index.html", "a#b?.html"])
def test_a_browser_finds_the_file_again_by_its_address(tmp_path, name):
    from urllib.parse import unquote, urlparse

    address = urlparse(browser_address(UPath(tmp_path / name)))
    assert (address.query, address.fragment) == ("", "")
    assert Path(unquote(address.path)) == tmp_path / name
