"""How long work says how far it is."""

import re
import threading

from audio_assets.progress import LogProgress

PATIENCE_SECONDS = 60


class Log:
    """Keeps the lines, and tells when there are as many as one waits for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._more:
            self.lines.append(line)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.lines) >= count, PATIENCE_SECONDS)


def test_work_without_units_is_not_silent():
    log = Log()
    with LogProgress(0.01).task("owl: leak_check", log):
        log.wait_for(2)
    assert all(line.startswith("owl: leak_check: at work for ") for line in log.lines)


def test_a_unit_that_takes_long_is_not_silent():
    log = Log()
    with LogProgress(0.01).task("owl: training", log) as advance:
        advance(0, 9)
        advance(3, 9)
        log.wait_for(2)
    form = r"owl: training: 3 of 9, about \d+ s left at \S+ a second"
    assert all(re.fullmatch(form, line) for line in log.lines)


def test_the_end_is_said_once_and_nothing_after_it():
    log = Log()
    with LogProgress(30.0).task("owl: training", log) as advance:
        for done in (1, 2, 2):
            advance(done, 2)
    threads = {thread.name for thread in threading.enumerate()}
    assert len(log.lines) == 1 and log.lines[0].startswith("owl: training: 2 of 2 in ")
    assert "audio-assets-progress" not in threads
