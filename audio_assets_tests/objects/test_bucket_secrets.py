"""No credential is shown, whatever fails."""

import json
import logging
import traceback

import pytest

from audio_assets.catalog.listing import list_species
from audio_assets.errors import StorageError
from audio_assets.objects.files import write_atomic
from audio_assets.objects.roots import open_root
from audio_assets_tests.bucket_clips import AUDIO, BUCKET, listed, put_clips, reader


@pytest.mark.usefixtures("gives_up_soon")
def test_no_secret_is_in_an_error_or_a_log(server, caplog, monkeypatch):
    from google.auth.credentials import Credentials

    from audio_assets.objects import roots

    class Planted(Credentials):
        token = "ya29.planted-token"
        valid = True

        def refresh(self, request):
            pass

        def before_request(self, request, method, url, headers):
            headers["authorization"] = f"Bearer {self.token}"

    client = roots._client()
    client._http.credentials = Planted()
    secrets = ["planted-token", "planted-signature", "secret-session", "planted-key"]
    echo = (
        "Bearer ya29.planted-token was refused for https://storage.example/o?X-Goog-Signature="
        "planted-signature and key=planted-key with X-Goog-Signature=planted-signature"
    )
    put_clips(server, 1)
    objects = listed()
    shown = []
    path = open_root(f"gs://{BUCKET}/results/big.parquet")
    caplog.set_level(logging.DEBUG)
    attempts = [
        ("/download/", lambda: reader(objects)(objects[0].uri)),
        ("upload_id", lambda: write_atomic(path, b"x" * (9 << 20))),
        ("b/field-audio/o", lambda: listed()),
    ]
    for kind in (401, 403, 400, 503, "reset", "truncate"):
        for where, attempt in attempts:
            fault = server.fail(kind, path=where, times=-1, message=echo)
            with pytest.raises(StorageError) as raised:
                attempt()
            shown.append("".join(traceback.format_exception(raised.value)))
            shown.append(repr(raised.value))
            server.faults.remove(fault)
    assert server.secrets
    for text in (*shown, caplog.text):
        assert not [secret for secret in secrets if secret in text], text


@pytest.mark.parametrize("damage", ["key", "json"])
def test_a_key_file_that_cannot_be_used_is_an_error_without_its_content(
    tmp_path, monkeypatch, caplog, damage
):
    from audio_assets.objects import roots

    key = {
        "type": "service_account",
        "client_email": "sam@example.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.example/token",
        "private_key": "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n",
    }
    text = json.dumps(key)
    (tmp_path / "key.json").write_text(text if damage == "key" else text[:-2])
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    caplog.set_level(logging.DEBUG)
    roots._client.cache_clear()
    with pytest.raises(StorageError, match="no Google credentials") as raised:
        list_species(open_root(AUDIO))
    shown = "".join(traceback.format_exception(raised.value))
    assert "planted" not in shown + repr(raised.value) + caplog.text
