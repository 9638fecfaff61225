"""A stand-in for Pub/Sub: the three calls of its REST interface that are used here, with faults."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUBSCRIPTION = "projects/birds/subscriptions/audio"


class PubsubServer:
    """One subscription in memory behind a port of this machine.

    Attributes
    ----------
    waiting
        Messages that were not acknowledged, by a number of their own.
    handed
        Receipts that are held, and the number of their message; see :meth:`come_again`.
    fault
        Answered in place of all else: a status, or the body of an answer.
    requests
        What was called, with its body.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, dict[str, Any]] = {}
        self.handed: dict[str, int] = {}
        self.fault: int | bytes | None = None
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.at_once = 1000
        self.host = ""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def notify(self, bucket: str, name: str, event: str = "OBJECT_FINALIZE") -> None:
        """Publish as Google Cloud Storage does."""
        self.publish({"bucketId": bucket, "objectId": name, "eventType": event})

    def publish(self, attributes: Any, data: bytes = b"{}") -> None:
        message = {"data": base64.b64encode(data).decode(), "attributes": attributes}
        self.waiting[next(self._numbers)] = message

    def come_again(self) -> None:
        """Let the deadline of all that was handed out pass."""
        self.handed.clear()

    def calls(self, what: str) -> list[dict[str, Any]]:
        return [body for called, body in self.requests if called == what]

    @contextmanager
    def serve(self) -> Iterator[PubsubServer]:
        state = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, data = state.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.host = f"127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        name, _, what = path.removeprefix("/v1/").partition(":")
        with self._lock:
            self.requests.append((what, body))
            if isinstance(self.fault, bytes):
                return 200, self.fault
            if self.fault is not None:
                return self.fault, _error(self.fault, "told to fail")
            if name != SUBSCRIPTION:
                return 404, _error(404, f"Resource not found (resource={name}).")
            return 200, json.dumps(getattr(self, f"_{what}")(body)).encode()

    def _pull(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["returnImmediately"], "it would answer after a minute and a half"
        held = set(self.handed.values())
        free = [number for number in self.waiting if number not in held]
        received = []
        for number in free[: min(self.at_once, body["maxMessages"])]:
            receipt = f"receipt-{number}-{len(self.requests)}"
            self.handed[receipt] = number
            message = self.waiting[number] | {"messageId": str(number)}
            received.append({"ackId": receipt, "message": message})
        return {"receivedMessages": received} if received else {}

    def _modifyAckDeadline(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert 10 <= body["ackDeadlineSeconds"] <= 600 and set(body["ackIds"]) <= set(self.handed)
        return {}

    def _acknowledge(self, body: dict[str, Any]) -> dict[str, Any]:
        for receipt in body["ackIds"]:
            # One whose deadline has passed is no error, and acknowledges nothing.
            self.waiting.pop(self.handed.pop(receipt, -1), None)
        return {}


def _error(status: int, message: str) -> bytes:
    return json.dumps({"error": {"code": status, "message": message}}).encode()
