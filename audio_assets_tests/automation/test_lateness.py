"""Since when a species is behind, and what the sensor keeps of it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from audio_assets.automation.decisions import Decision, Standing, Task
from audio_assets.automation.lateness import (
    behind_since,
    late_names,
    read_since,
    what_is_behind,
    write_since,
)
from audio_assets.automation.problems import read_reported

anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.none() | st.text() | anything.map(json.dumps) | anything.map(lambda x: f'{{"told":{x}}}'))
def test_no_cursor_whatever_it_holds_stops_the_tick_that_reads_it(cursor):
    assert all(isinstance(start, (int, float)) for start in read_since(cursor).values())
    assert all(isinstance(key, str) for key in read_reported(cursor))


@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=10))
def test_late_is_who_was_behind_at_every_look_for_long_enough(looks):
    cursor = None
    for hour, behind in enumerate(looks):
        since = behind_since(behind, read_since(cursor), 3600.0 * hour)
        cursor = write_since(since)
    for hours in range(len(looks) + 1):
        late = late_names(since, hours - 0.5, 3600.0 * (len(looks) - 1))
        stretch = looks[-hours - 1 :] if hours < len(looks) else [set[str]()]
        assert set(late) == (set.intersection(*stretch) if stretch else set())


def test_species_are_behind_by_any_of_their_tasks_and_work_of_no_species_by_itself():
    standings = {
        Task("splits", "owl"): Standing.FRESH,
        Task("experiment", "birdnet|owl"): Standing.FAILED,
        Task("inventory", "fox"): Standing.RETRYING,
        Task("encoders", "birdnet"): Standing.DUE,
        Task("report"): Standing.DUE,
    }
    behind = what_is_behind(Decision(standings, {}), jobs_of_no_species=["encoders"])
    assert behind == {
        "owl": "experiment birdnet|owl: given up",
        "fox": "inventory fox: waiting to be retried",
        # A report that hangs is late, too, and is no species.
        "job encoders birdnet": "encoders birdnet: due",
        "job report": "report: due",
    }
