"""What ticks that did not reach the code server tell of the health of the automation."""

from types import SimpleNamespace
from typing import Any

import pytest

from audio_assets.automation import health, watch
from audio_assets.automation.decisions import Decision, Standing, Task
from audio_assets.automation.problems import tick_problems


def tick(at: float, status: str, error: str = "") -> Any:
    cause = SimpleNamespace(cls_name=error, message=f"{error}: no words", cause=None)
    data = SimpleNamespace(error=cause if error else None)
    return SimpleNamespace(timestamp=at, status=health.TickStatus[status], tick_data=data)


class Instance:
    """Ticks of one sensor, newest first, found as an instance finds them."""

    def __init__(self, *ticks: Any) -> None:
        self.ticks = ticks

    def get_ticks(self, *_: str, limit: int, statuses: Any = None) -> list[Any]:
        return [one for one in self.ticks if not statuses or one.status in statuses][:limit]


def problems(patch: pytest.MonkeyPatch, now: float, *ticks: Any) -> list[str]:
    data = health.SensorInstigatorData(min_interval=30)
    state = SimpleNamespace(
        instigator_origin_id="", selector_id="", instigator_data=data, status="RUNNING"
    )
    patch.setattr(health, "watched_states", lambda _: {"stale_partitions": state})
    found = tick_problems(health.ticks_of(Instance(*ticks), now), now)  # type: ignore[arg-type]
    return [problem.what for problem in found]


UNREACHED = health.DagsterUserCodeUnreachableError.__name__


def test_of_a_restart_of_the_code_server_nobody_is_told(monkeypatch):
    restart = [tick(at, "FAILURE", UNREACHED) for at in (190.0, 160.0, 130.0)]
    assert problems(monkeypatch, 200.0, *restart, tick(100.0, "SKIPPED")) == []
    faults = [tick(at, "FAILURE", "KeyError") for at in (190.0, 160.0)]
    (said,) = problems(monkeypatch, 200.0, *faults, tick(100.0, "SKIPPED"))
    assert said.startswith("stale_partitions fails: KeyError")


def test_a_code_server_that_stays_away_makes_its_sensors_silent(monkeypatch):
    away = [tick(1000.0 - 30 * n, "FAILURE", UNREACHED) for n in range(20)]
    (said,) = problems(monkeypatch, 1010.0, *away, tick(400.0, "SKIPPED"))
    assert said == "stale_partitions has not ticked for 10 minutes"


def test_notifications_that_cannot_be_had_are_a_problem_where_they_are_wanted(monkeypatch):
    cursor = '{"format": 2, "not_told": "projects/p/subscriptions/s is gone\\nMake it again."}'
    monkeypatch.setattr(health, "cursor_of", lambda *_: cursor)
    for name, told in (("projects/p/subscriptions/s", 1), ("", 0)):
        plan = SimpleNamespace(settings=SimpleNamespace(notifications=name))
        found = health._notification_problems(plan, Instance())  # type: ignore[arg-type]
        assert len(found) == told
        for problem in found:
            assert "is gone" in problem.what and problem.remedy.startswith("Make it again.")


def test_a_tick_that_takes_too_long_is_a_fault_of_its_sensor(monkeypatch):
    def slow(at: float) -> Any:
        one = tick(at, "FAILURE", UNREACHED)
        one.tick_data.error.message += " The call timed out due to taking longer than 60 seconds."
        return one

    (said,) = problems(monkeypatch, 200.0, slow(190.0), slow(120.0))
    assert said.startswith("stale_partitions fails: ")


def test_audio_that_never_rests_is_a_problem_after_the_longest_wait(monkeypatch):
    monkeypatch.setattr(health, "changing_since", lambda _: {"owl": 1000.0, "fox": 4500.0})
    monkeypatch.setattr(health, "cursor_of", lambda *_: "")
    plan = SimpleNamespace(settings=SimpleNamespace(longest_wait_minutes=60))
    (found,) = health._arriving_problems(plan, Instance(), 4700.0)  # type: ignore[arg-type]
    assert found.species == "owl" and "changing for 62 minutes" in found.what


def test_what_is_given_up_is_not_told_as_mended_while_it_is_tried_again():
    tried, done = Task("experiment", "birdnet|owl"), Task("splits", "owl")
    decision = Decision({tried: Standing.RUNNING, done: Standing.FRESH}, {})
    told = frozenset(
        {"given up: experiment birdnet|owl", "given up: splits owl", "late: owl", "access: fox"}
    )
    assert watch._unsettled(told, decision) == {"given up: experiment birdnet|owl"}
    # Where nothing can be decided, nothing that rests on it is mended.
    assert watch._unsettled(told, None) == told - {"access: fox"}
