"""A publisher on this machine: an HTTP server that counts, damages and cuts off downloads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Publisher:
    """What is offered, and what was asked for.

    Attributes
    ----------
    url
        Where it listens.
    files
        Content by path.
    cut_after
        Bytes after which the connection is closed; None for none.
    asked
        Paths of the requests so far.
    may_answer
        Answers wait for it.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    asked: list[str] = field(default_factory=list)
    may_answer: Event = field(default_factory=Event)


@contextmanager
def publisher() -> Iterator[Publisher]:
    """A server for as long as the context lasts."""
    state = Publisher()
    state.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            state.asked.append(self.path)
            state.may_answer.wait(20)
            content = state.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: state.cut_after])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
