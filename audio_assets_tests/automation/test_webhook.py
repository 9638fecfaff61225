"""Messages to a local HTTP server; no address and no secret reaches a log."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from audio_assets.automation.webhook import WebhookError, failure_message, post_message

SECRET = "T0K3N-planted"


class Hook(HTTPServer):
    """Keeps what it is sent and answers with ``status``."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Silence."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_arrives_as_json(hook):
    post_message(hook.url, "Gürteltier: failed")
    assert hook.got == [{"text": "Gürteltier: failed"}]


@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_is_an_error_without_the_address(hook, status):
    hook.status = status
    with pytest.raises(WebhookError, match=str(status)) as refused:
        post_message(hook.url, "text")
    assert SECRET not in repr(refused.value) and refused.value.__cause__ is None


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{SECRET}", f"no address {SECRET}"])
def test_a_server_that_cannot_be_reached_is_an_error_without_the_address(url):
    with pytest.raises(WebhookError) as failed:
        post_message(url, "text")
    assert SECRET not in str(failed.value)


def test_a_message_is_short_and_has_no_query_of_an_address():
    reason = f"403 for https://storage.example/b/o?X-Goog-Signature={SECRET}&a=1 " + "x" * 5000
    text = failure_message("experiment birdnet|coyote", reason, "0123456789abcdef")
    assert text.startswith("audio-assets: experiment birdnet|coyote failed (run 01234567)\n403 for")
    assert SECRET not in text and len(text) < 1000
