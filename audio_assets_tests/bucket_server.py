"""A stand-in for Google Cloud Storage: the part of its JSON API that is used here, with faults.

It pages, knows generations and preconditions, checks uploads, and fails in the ways in which a
bucket fails when it is told to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

EPOCH = 1_700_000_000
_PART = 2**22


@dataclass
class Fault:
    """What goes wrong with the requests that it fits.

    ``kind`` is a status, ``reset`` (before anything is done), ``lost`` (the answer is lost, what
    was asked for is done), ``truncate`` (the body is cut) or ``garble`` (a byte is another).
    With ``in_a_row`` no request fails more often than that in succession, whatever the ``rate``.
    """

    kind: int | str
    method: str = ""
    path: str = ""
    times: int = 1
    rate: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "told to fail"
    in_a_row: float = math.inf
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def strikes(self, method: str, path: str, draw: float) -> bool:
        """Whether a request that the fault fits fails, for a random number in [0, 1)."""
        asked = (method, path)
        if draw >= self.rate or self.failed[asked] >= self.in_a_row:
            del self.failed[asked]
            return False
        self.failed[asked] += 1
        return True


class Sparse:
    """Bytes of which most are 0 and take no memory, for objects of gigabytes."""

    def __init__(self, size: int, start: bytes = b"") -> None:
        self._size = size
        self._start = start

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        first, stop, _ = part.indices(self._size)
        return self._start[first:stop].ljust(stop - first, b"\0")


@dataclass
class Stored:
    data: bytes | Sparse
    generation: int
    md5: bool = True
    encoding: str = ""
    key: str = ""
    """``kms`` hides the checksums in listings, ``own`` everywhere."""

    @property
    def digests(self) -> tuple[str, str]:
        """CRC32C and MD5, in base64."""
        # Gigabytes are not gone through at each request.
        return _kept_digests(self.data) if isinstance(self.data, Sparse) else _digests(self.data)


def _digests(data: bytes | Sparse) -> tuple[str, str]:
    crc, md5 = google_crc32c.Checksum(), hashlib.md5()
    for part in parts(data):
        crc.update(part)
        md5.update(part)
    return base64.b64encode(crc.digest()).decode(), base64.b64encode(md5.digest()).decode()


_kept_digests = cache(_digests)


def parts(data: bytes | Sparse) -> Iterator[bytes]:
    """The bytes, a few megabytes at a time."""
    for start in range(0, len(data), _PART):
        yield data[start : start + _PART]


class BucketServer:
    """Buckets in memory behind a port of this machine.

    Attributes
    ----------
    objects
        By bucket and name; to be looked at and changed by tests.
    faults
        Tried in order; the first that fits a request and has times left is used.
    requests
        ``METHOD path?query`` of all that were received.
    sent
        Bytes of objects that were sent, by name.
    """

    def __init__(self, *buckets: str) -> None:
        self.objects: dict[str, dict[str, Stored]] = {name: {} for name in buckets}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.times: list[float] = []
        self.sent: Counter[str] = Counter()
        self.secrets: set[str] = set()
        self.page = 1000
        self.most_at_once = 0
        self.delay = 0.0
        self.ignores_ranges = False
        self._running = 0
        self._random = random.Random(0)
        self._lock = threading.RLock()
        self._generation = EPOCH
        self._uploads: dict[str, tuple[str, str, str, bytearray]] = {}
        self.url = ""

    def put(self, bucket: str, name: str, data: bytes | Sparse, *, md5: bool = True) -> Stored:
        with self._lock:
            self._generation += 1
            stored = Stored(data, self._generation, md5)
            self.objects[bucket][name] = stored
            return stored

    def fail(self, kind: int | str, method: str = "", path: str = "", **more) -> Fault:
        self.faults.append(Fault(kind, method, path, **more))
        return self.faults[-1]

    @contextmanager
    def serve(self) -> Iterator[BucketServer]:
        server = _Threads(("127.0.0.1", 0), _Handler)
        server.state = self
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def begin(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.requests.append(f"{method} {path}")
            self.times.append(time.monotonic())
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            for fault in self.faults:
                if fault.times and fault.method in ("", method) and re.search(fault.path, path):
                    if fault.strikes(method, path, self._random.random()):
                        fault.times -= 1
                        return fault
        return None

    def end(self) -> None:
        with self._lock:
            self._running -= 1


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    state: BucketServer

    def handle_error(self, *_) -> None:
        """A client that has gone is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two packets; the second would wait 40 ms for the first's receipt.
    disable_nagle_algorithm = True
    server: _Threads

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_GET

    def _answer(self) -> None:
        state = self.server.state
        self.secrets = state.secrets
        self.state = state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = state.begin(self.command, self.path)
        try:
            if state.delay:
                time.sleep(state.delay)
            if fault is not None and fault.kind == "reset":
                self._reset()
            elif fault is not None and isinstance(fault.kind, int):
                self._error(fault.kind, fault.message, fault.headers)
            else:
                status, headers, data = self._do(body)
                if fault is not None and fault.kind == "lost":
                    self._reset()
                else:
                    self._send(status, headers, data, fault)
        finally:
            state.end()

    def _do(self, body: bytes) -> tuple[int, dict[str, str], bytes | Sparse]:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        with self.state._lock:
            match = re.fullmatch(r"/(upload/|download/)?storage/v1/b/([^/]+)/o(?:/(.+))?", url.path)
            if not match:
                return _failure(501, f"not made: {url.path}")
            bucket = unquote(match[2])
            if bucket not in self.state.objects:
                return _failure(404, "The specified bucket does not exist.")
            if match[1] == "upload/":
                return self._upload(bucket, query, body)
            if match[3] is None:
                return self._list(bucket, query)
            return self._object(bucket, unquote(match[3]), query)

    def _list(self, bucket: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        found: dict[str, bool] = {}
        for name in self.state.objects[bucket]:
            if not name.startswith(prefix):
                continue
            head, cut, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            found[prefix + head + cut if cut else name] = bool(cut)
        names = sorted(name for name in found if name > query.get("pageToken", ""))
        page = names[: min(self.state.page, int(query.get("maxResults", 1000)))]
        listed = {
            "kind": "storage#objects",
            "items": [
                _resource(bucket, n, self.state.objects[bucket][n], listed=True)
                for n in page
                if not found[n]
            ],
            "prefixes": [name for name in page if found[name]],
        }
        if len(page) < len(names):
            listed["nextPageToken"] = page[-1]
        return _json(listed)

    def _object(
        self, bucket: str, name: str, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes | Sparse]:
        stored = self.state.objects[bucket].get(name)
        if stored is None:
            return _failure(404, f"No such object: {bucket}/{name}")
        if int(query.get("ifGenerationMatch", stored.generation)) != stored.generation:
            return _failure(412, "At least one of the pre-conditions you specified did not hold.")
        if self.command == "DELETE":
            del self.state.objects[bucket][name]
            return 204, {}, b""
        if query.get("alt") != "media":
            return _json(_resource(bucket, name, stored))
        headers = {"X-Goog-Generation": str(stored.generation), "X-Goog-Hash": _hashes(stored)}
        if stored.encoding:
            headers["Content-Encoding"] = stored.encoding
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted is None or self.state.ignores_ranges:
            self.state.sent[name] += len(stored.data)
            return 200, headers, stored.data
        start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(stored.data))
        self.state.sent[name] += end - start
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(stored.data)}"
        return 206, headers, stored.data[start:end]

    def _upload(
        self, bucket: str, query: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if query["uploadType"] == "multipart":
            boundary = re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])[1]
            _, head, content, _ = body.split(f"--{boundary}".encode())
            about = json.loads(head.split(b"\r\n\r\n", 1)[1])
            data = content.split(b"\r\n\r\n", 1)[1][:-2]
            return self._put(bucket, about, data, query)
        if self.command == "POST":
            number = str(len(self.state._uploads))
            secret = f"secret-session-{number}"
            self.state.secrets.add(secret)
            self.state._uploads[secret] = (bucket, json.loads(body), query, bytearray())
            location = f"{self.state.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable"
            return 200, {"Location": f"{location}&upload_id={secret}"}, b""
        bucket, about, first, data = self.state._uploads[query["upload_id"]]
        span = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", self.headers["Content-Range"])
        if span[1] is not None:
            data[int(span[1]) :] = body
        if span[3] == "*" or len(data) < int(span[3]):
            return 308, {"Range": f"bytes=0-{len(data) - 1}"} if data else {}, b""
        return self._put(bucket, about, bytes(data), first)

    def _put(
        self, bucket: str, about: dict[str, str], data: bytes, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        name, required = about["name"], query.get("ifGenerationMatch")
        stored = self.state.objects[bucket].get(name)
        if required is not None and int(required) != (stored.generation if stored else 0):
            return _failure(412, "At least one of the pre-conditions you specified did not hold.")
        if "crc32c" in about and about["crc32c"] != _crc32c(data):
            return _failure(400, "the crc32c does not match")
        return _json(_resource(bucket, name, self.state.put(bucket, name, data)))

    def _error(self, status: int, message: str, headers: dict[str, str]) -> None:
        self._send(status, headers, _failure(status, message)[2], None)

    def _send(
        self, status: int, headers: dict[str, str], data: bytes | Sparse, fault: Fault | None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault is not None and fault.kind == "garble" and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        if fault is not None and fault.kind == "truncate":
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self._reset()
        else:
            for part in parts(data):
                self.wfile.write(part)

    def _reset(self) -> None:
        self.close_connection = True
        # Without lingering, closing sends a reset.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


def _json(value: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _failure(status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    error = {"code": status, "message": message, "errors": [{"message": message}]}
    kind = {"Content-Type": "application/json; charset=UTF-8"}
    return status, kind, json.dumps({"error": error}).encode()


def _crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def _hashes(stored: Stored) -> str:
    crc32c, md5 = stored.digests
    return f"crc32c={crc32c}" + (f",md5={md5}" if stored.md5 else "")


def _resource(bucket: str, name: str, stored: Stored, listed: bool = False) -> dict[str, str]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stored.generation))
    about = {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "generation": str(stored.generation),
        "metageneration": "1",
        "size": str(len(stored.data)),
        "crc32c": stored.digests[0],
        "updated": f"{moment}.123Z",
        "timeCreated": f"{moment}.123Z",
    }
    if stored.encoding:
        about["contentEncoding"] = stored.encoding
    if stored.md5:
        about["md5Hash"] = stored.digests[1]
    if stored.key == "own" or (listed and stored.key):
        about.pop("md5Hash", None)
        del about["crc32c"]
    return about
