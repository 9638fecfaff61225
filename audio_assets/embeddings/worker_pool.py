"""A pool of worker processes, started when needed and replaced when they die.

They are plain processes and not those of :mod:`multiprocessing`, which would run the caller's main
module in each: 3 s and 150 MB for the command line of Dagster. The code that runs in a worker
belongs in :mod:`audio_assets.embeddings.worker`.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from queue import Empty, SimpleQueue
from threading import Lock

from audio_assets.audio.decode import DurationLimits
from audio_assets.embeddings.stream import ClipEmbedding, crashed
from audio_assets.embeddings.worker import OUT_OF_MEMORY, READY, ReadClip
from audio_assets.encoders.base import Encoder
from audio_assets.errors import EmbeddingError
from audio_assets.objects.systems import KILLED, start_with_connection

# Once more in a fresh process: the death of the first may have had nothing to do with its clips.
_ATTEMPTS = 2


class WorkerDiedError(Exception):
    """A worker process has died; the message says how."""


class WorkerPool:
    """A pool with one worker process per thread that calls :meth:`embed`.

    Parameters
    ----------
    make_encoder
        Makes an encoder; pickled, and called once in each process.
    limits
        Limits of accepted clips.
    """

    def __init__(self, make_encoder: Callable[[], Encoder], limits: DurationLimits) -> None:
        self._setup = (make_encoder, limits)
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._all: set[_Worker] = set()
        self._lock = Lock()

    def embed(self, clips: Sequence[ReadClip]) -> list[ClipEmbedding]:
        """Embed clips in a worker process.

        If the process dies, a fresh one tries again, and if that dies too, each clip is tried by
        itself. A clip that ends its process even then is returned as crashed.

        Raises
        ------
        EmbeddingError
            If a process dies before it has made its encoder. Errors of the encoder are passed on.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._run(clips)
            except WorkerDiedError as died:
                cause = str(died)
        if len(clips) == 1:
            return [crashed(clips[0].clip, clips[0].sha256, cause)]
        return [result for clip in clips for result in self.embed([clip])]

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            workers = list(self._all)
        for worker in workers:
            self._end(worker)

    def _run(self, clips: Sequence[ReadClip]) -> list[ClipEmbedding]:
        try:
            worker = self._idle.get_nowait()
        except Empty:
            worker = self._start()
        try:
            results = worker.run(clips)
        except WorkerDiedError:
            self._end(worker)
            raise
        except BaseException:
            self._idle.put(worker)
            raise
        self._idle.put(worker)
        return results

    def _start(self) -> "_Worker":
        for _ in range(_ATTEMPTS):
            worker = _Worker()
            with self._lock:
                self._all.add(worker)
            try:
                worker.set_up(self._setup)
                return worker
            except WorkerDiedError as died:
                self._end(worker)
                cause = str(died)
        raise EmbeddingError(
            f"A worker process ended while it made its encoder: it {cause}",
            "Give the run more memory, or fewer workers (the setting WORKERS).",
        )

    def _end(self, worker: "_Worker") -> None:
        worker.close()
        with self._lock:
            self._all.discard(worker)


class _Worker:
    def __init__(self) -> None:
        self._connection, theirs = Pipe(duplex=True)
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from audio_assets.embeddings.worker import serve; serve({theirs.fileno()})"
        )
        with theirs:
            self._process = start_with_connection([sys.executable, "-c", code], theirs)

    def set_up(self, setup: tuple[Callable[[], Encoder], DurationLimits]) -> None:
        answer = self._ask(setup)
        if isinstance(answer, Exception):
            raise answer
        assert answer == READY

    def run(self, clips: Sequence[ReadClip]) -> list[ClipEmbedding]:
        answer = self._ask(list(clips))
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, list)
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _ask(self, question: object) -> object:
        try:
            self._connection.send(question)
            answer: object = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerDiedError(_how(self._process.wait())) from error
        return answer


def _how(code: int) -> str:
    """Describe how a process ended, from its exit code."""
    if code == OUT_OF_MEMORY:
        return "ran out of memory"
    if code == KILLED:
        return "was killed (SIGKILL), as a system short of memory does"
    if code < 0:
        return f"was ended by signal {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
