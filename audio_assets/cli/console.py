"""Console output: progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
)
from rich.progress import Progress as Bars
from rich.progress import ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from audio_assets.progress import Advance, LogProgress


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text literally: names may contain ``[`` or ``:key:``."""
    return Console(stderr=stderr, markup=False, emoji=False)


def escape_unknown_signs() -> None:
    """Write a sign that the encoding of standard output lacks as its number, in place of an error.

    Output into a file or a pipe has the encoding of the system: on Windows one of 256 signs, in
    which the report of a finished run ended with a UnicodeEncodeError.
    """
    # Standard error does so from the start.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


class RateColumn(ProgressColumn):
    """Recent units per second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing until it is known."""
        rate = task.finished_speed or task.speed
        return Text(f"{rate:.3g}/s" if rate else "", style="progress.data.speed")


class ConsoleProgress:
    """One bar per task on a terminal; elsewhere a line now and then, and one at a task's end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = LogProgress()

    @contextmanager
    def task(self, title: str, log: Callable[[str], None]) -> Iterator[Advance]:
        with self._lines.task(title, log) as to_log:
            if not self._console.is_terminal:
                with self._lines.task(title, self._line) as to_console:
                    yield _both(to_log, to_console)
                return
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                RateColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            with Bars(*columns, console=self._console) as bars:
                bar = bars.add_task(title, total=None)

                def to_bar(done: int, total: int) -> None:
                    bars.update(bar, completed=done, total=total)

                yield _both(to_log, to_bar)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class QuietProgress:
    """Progress that goes to the run's log only."""

    def task(self, title: str, log: Callable[[str], None]) -> AbstractContextManager[Advance]:
        return LogProgress().task(title, log)


def _both(first: Advance, second: Advance) -> Advance:
    def advance(done: int, total: int) -> None:
        first(done, total)
        second(done, total)

    return advance
