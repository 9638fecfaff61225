"""What counts as a problem of the automation, and when people are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.automation.problems import (
    FAILED_TICKS,
    Kind,
    Problem,
    Ticks,
    news,
    read_reported,
    tick_problems,
    write_reported,
)

NOW = 1e9


@pytest.mark.parametrize(
    ("ticks", "words"),
    [
        (Ticks("looks", is_on=False, interval=30), "looks is switched off"),
        (Ticks("looks", True, failures=FAILED_TICKS, error="no right", interval=30), "no right"),
        (Ticks("looks", True, last=NOW - 3600, interval=30), "has not ticked for 60 minutes"),
        (Ticks("nightly", True, failures=1, error="no right"), "nightly fails: no right"),
    ],
)
def test_a_sensor_that_is_off_fails_or_is_silent_is_a_problem(ticks, words):
    (problem,) = tick_problems([ticks], NOW)
    assert words in problem.what and problem.remedy


@pytest.mark.parametrize(
    "ticks",
    [
        Ticks("looks", True, failures=FAILED_TICKS - 1, error="no right", interval=30),
        Ticks("looks", True, last=NOW - 60, interval=30),
        Ticks("seldom", True, last=NOW - 3600, interval=600),
        # A schedule may rest for a day, and a sensor may have begun just now.
        Ticks("nightly", True, last=NOW - 80_000),
        Ticks("looks", True, interval=30),
    ],
)
def test_a_sensor_that_does_its_work_is_none(ticks):
    assert tick_problems([ticks], NOW) == []


def problem(subject: str) -> Problem:
    return Problem(Kind.LATE, subject, f"{subject} is late", "Wait.")


states = st.lists(st.sets(st.sampled_from("abcd")), max_size=8)


@given(states)
def test_each_problem_is_told_once_when_it_begins_and_once_when_it_ends(seen):
    cursor = None
    before: set[str] = set()
    for subjects in [*seen, set()]:
        found = news(read_reported(cursor), [problem(one) for one in sorted(subjects)])
        assert {one.subject for one in found.begun} == subjects - before
        assert set(found.ended) == {problem(one).key for one in before - subjects}
        assert bool(found) == (subjects != before) and len(found.lines()) == len(subjects ^ before)
        cursor, before = write_reported(problem(one).key for one in subjects), subjects


def test_a_message_says_what_to_do():
    (line,) = news((), [problem("owl")]).lines()
    assert line == "audio-assets: problem: owl is late\nWait."


def test_the_ticks_before_a_pause_of_the_daemon_are_no_silence():
    before = Ticks("looks", True, last=NOW - 36_000, interval=30)
    first = Ticks("health", True, last=NOW, interval=300, recent=1)
    assert tick_problems([before, first], NOW) == []
    # It has been running for a while now, and that one still has not ticked.
    later = Ticks("health", True, last=NOW, interval=30, recent=3)
    (problem,) = tick_problems([before, later], NOW)
    assert problem.subject == "looks"


def test_a_daemon_that_meets_no_sensor_is_a_problem_and_so_is_one_sensor_that_it_never_met():
    (problem,) = tick_problems([], NOW, expected=["looks", "health"])
    assert "no sensor has ticked yet" in problem.what
    ticking = Ticks("health", True, last=NOW, interval=30, recent=3)
    (problem,) = tick_problems([ticking], NOW, expected=["looks", "health"])
    assert problem.what == "looks has never ticked"
    # Just after a start the others have their turn still to come.
    starting = Ticks("health", True, last=NOW, interval=30, recent=1)
    assert tick_problems([starting], NOW, expected=["looks", "health"]) == []
    assert tick_problems([], NOW) == []
