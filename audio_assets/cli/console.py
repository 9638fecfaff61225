"""Console output: progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
)
from rich.progress import Progress as Bars
from rich.progress import ProgressColumn, Task, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from audio_assets.automation.steps import Step
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


class _TitledBars(Bars):
    """Bars below their titles, which are wrapped and never cut."""

    def get_renderables(self) -> Iterator[RenderableType]:
        for task in self.tasks:
            if task.visible:
                yield Text(task.description)
                yield self.make_tasks_table([task])


class ConsoleProgress:
    """One bar per task on a terminal; elsewhere a line now and then, and one at a task's end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._log_lines = LogProgress()
        self._lines = LogProgress()
        self._is_transient = False

    @contextmanager
    def task(self, title: str, log: Callable[[str], None]) -> Iterator[Advance]:
        with self._log_lines.task(title, log) as to_log:
            if not self._console.is_terminal:
                with self._lines.task(title, self._line) as to_console:
                    yield _both(to_log, to_console)
                return
            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                RateColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            with _TitledBars(*columns, console=self._console, transient=self._is_transient) as bars:
                bar = bars.add_task(title, total=None)

                def to_bar(done: int, total: int) -> None:
                    bars.update(bar, completed=done, total=total)

                yield _both(to_log, to_bar)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class StepProgress(ConsoleProgress):
    """The tasks within the steps of a run.

    Its bars go when a task ends. Elsewhere than on a terminal there is no line at the end of a
    task, since there is one per step, and a line a minute while a task lasts.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._lines = LogProgress(60.0, writes_end=False)
        self._is_transient = True


def print_step(step: Step, console: Console) -> None:
    """Print the line of a step that begins."""
    left = "" if step.seconds_left is None else f", about {duration_words(step.seconds_left)} left"
    console.print(
        f"step {step.number} of {step.total}{left}: {step.title}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def duration_words(seconds: float) -> str:
    """Return a duration in words: ``40 s``, ``3 min`` or ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def whole_table(*headers: str, show_lines: bool = False) -> RichTable:
    """Return a table whose cells are wrapped and never cut, however narrow the console is."""
    table = RichTable(show_lines=show_lines)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


class QuietProgress:
    """Progress that goes to the run's log only."""

    def task(self, title: str, log: Callable[[str], None]) -> AbstractContextManager[Advance]:
        return LogProgress().task(title, log)


def _both(first: Advance, second: Advance) -> Advance:
    def advance(done: int, total: int) -> None:
        first(done, total)
        second(done, total)

    return advance
