"""When audio is looked at, and when it is worked on, whatever arrives when."""

import json
from bisect import bisect_right
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.automation.audio_changes import (
    AudioMemory,
    changing_since,
    new_species,
    read_memory,
    requests_in,
    write_memory,
)
from audio_assets.automation.listing_pace import BUCKET_SECONDS, SHARE, Limits, PastListing
from audio_assets.catalog.listing import SpeciesListing

LIMITS = Limits(30.0, 600.0)
LONGEST = 3600.0


def looked(
    memory: AudioMemory, now: float, seen: dict[str, str], recorded: dict[str, str]
) -> AudioMemory:
    """The memory after a look at all, which was kept between two ticks."""
    after = memory.after_listing(seen, recorded, PastListing(now), at_all=True)
    return read_memory(write_memory(after), now)


def test_audio_is_settled_when_two_looks_agree():
    first = looked(AudioMemory(), 0, {"owl": "1", "fox": "7"}, {"fox": "7"})
    assert (first.settled, first.moving) == ((), ("owl",))
    moved = looked(first, 30, {"owl": "2", "fox": "7"}, {"fox": "7"})
    assert (moved.settled, moved.moving) == ((), ("owl",))
    again = looked(moved, 60, {"owl": "2", "fox": "7"}, {"fox": "7"})
    assert (again.settled, again.moving) == (("owl",), ())


def test_audio_that_flipped_back_is_no_change():
    first = looked(AudioMemory(), 0, {"owl": "2"}, {"owl": "1"})
    assert looked(first, 30, {"owl": "1"}, {"owl": "1"}).changed == {}


names = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@given(names, names, st.none() | st.text() | names.map(json.dumps))
def test_every_species_whose_audio_differs_is_settled_or_moving(now, recorded, cursor):
    seen = looked(read_memory(cursor, 0), 0, now, recorded)
    assert {*seen.settled, *seen.moving} == {s for s in now if recorded.get(s) != now[s]}
    assert not set(seen.settled) & set(seen.moving)
    after = looked(seen, 30, now, recorded)
    assert after.moving == () and looked(after, 60, now, now).settled == ()


def test_the_cursor_holds_changed_species_alone():
    now = {f"species{number}": "0123456789abcdef" for number in range(1000)}
    assert len(write_memory(looked(AudioMemory(), 0, now, now))) < 300
    assert len(write_memory(looked(AudioMemory(), 1.7e9, now, {}))) < 70_000


def test_the_cursor_of_the_version_before_is_one_look():
    memory = read_memory('{"owl":"2"}', 1000.0)
    assert memory.lists_all(1000.0, LIMITS)
    assert looked(memory, 1000.0, {"owl": "2"}, {"owl": "1"}).settled == ("owl",)
    assert looked(memory, 1000.0, {"owl": "3"}, {"owl": "1"}).moving == ("owl",)
    assert changing_since('{"owl":"2"}') == {} and requests_in('{"owl":"2"}') == {}


@pytest.mark.parametrize("cursor", ["[]", "5", "{", '{"format":2}', '{"format":2,"changed":[]}'])
def test_what_is_no_cursor_is_no_look_at_all(cursor):
    assert read_memory(cursor, 0.0) == AudioMemory()
    assert changing_since(cursor) == {} and requests_in(cursor) == {}


def test_the_cursor_says_since_when_audio_has_been_changing_and_what_was_asked_for():
    memory = looked(AudioMemory(), 100, {"owl": "1", "fox": "1"}, {})
    memory = looked(memory, 130, {"owl": "2", "fox": "1"}, {})
    memory = looked(memory.counted({"list": 5}).counted({"list": 2, "read": 1}), 160, {}, {})
    memory = replace(memory, changed=looked(AudioMemory(), 100, {"owl": "1"}, {}).changed)
    memory = looked(memory, 190, {"owl": "2"}, {})
    assert changing_since(write_memory(memory)) == {"owl": 100}
    # Its inventory is made, and it moves on.
    memory = looked(memory.asked_for(["owl"], 200), 230, {"owl": "3"}, {"owl": "2"})
    assert changing_since(write_memory(memory)) == {"owl": 100}
    assert memory.overdue(LONGEST, 230 + LONGEST - 1) == ()
    assert memory.overdue(LONGEST, 230 + LONGEST) == ("owl",)
    settled = looked(memory, 260, {"owl": "3"}, {"owl": "2"})
    assert changing_since(write_memory(settled)) == {}
    assert requests_in(write_memory(settled)) == {"list": 7, "read": 1}


def test_between_two_looks_at_all_only_what_moves_is_looked_at():
    resting = {f"s{number}": "1" for number in range(9)}
    memory = AudioMemory()
    for now in (0.0, 30.0, 60.0, 120.0):
        costly = PastListing(now, seconds=1.0, requests=100)
        memory = memory.after_listing(resting | {"owl": "1"}, resting, costly, at_all=True)
    memory = replace(memory, changed={"owl": replace(memory.changed["owl"], is_settled=False)})
    everything, now = [*resting, "owl", "new"], 150.0
    assert not memory.lists_all(now, LIMITS)
    assert memory.to_list(everything, resting, now, LIMITS) == ("new", "owl")
    assert memory.to_list(everything, resting | {"new": "1"}, now, LIMITS) == ("owl",)
    assert memory.to_list(everything, resting | {"new": "1"}, 500.0, LIMITS) == tuple(
        sorted(everything)
    )


def test_a_species_whose_inventory_was_made_since_the_last_look_is_looked_at():
    memory = AudioMemory(at_all=PastListing(0, requests=100, quiet=9))
    memory = memory.after_listing({"owl": "1"}, {}, PastListing(10), at_all=False)
    memory = memory.after_listing({"owl": "1"}, {}, PastListing(40), at_all=False)
    assert memory.settled == ("owl",)
    assert memory.to_list(["owl"], {}, 70, LIMITS) == ()
    assert memory.to_list(["owl"], {"owl": "2"}, 70, LIMITS) == ("owl",)


@pytest.mark.parametrize(
    ("seconds", "requests", "waits"),
    [
        (0.01, 0, [30, 30, 30, 30, 30, 30, 30]),
        (0.5, 20, [30, 60, 60, 60, 60, 60, 60]),
        (6.0, 251, [120, 120, 120, 240, 480, 600, 600]),
        (90.0, 9000, [600] * 7),
        (7.0, 0, [140] * 7),
    ],
)
def test_a_root_that_rests_is_looked_at_as_seldom_as_a_look_is_costly(seconds, requests, waits):
    memory, now, found = AudioMemory(), 0.0, []
    for _ in waits:
        look = PastListing(now, seconds, requests)
        memory = memory.after_listing({"owl": "1"}, {"owl": "1"}, look, at_all=True)
        found.append(memory.next_listing(LIMITS) - now)
        now = memory.next_listing(LIMITS)
    assert found == waits
    # Something new: soon again, as soon as its own cost allows.
    memory = memory.after_listing({"owl": "2"}, {"owl": "1"}, replace(look, ended=now), at_all=True)
    assert memory.next_listing(LIMITS) - now == waits[0]
    # That it moves on is nothing new.
    for digest in "3456789":
        look = replace(look, ended=now)
        memory = memory.after_listing({"owl": digest}, {"owl": "1"}, look, at_all=True)
    assert memory.next_listing(LIMITS) - now == waits[-1]


def test_clips_dropped_into_a_small_bucket_are_asked_for_within_two_minutes():
    # A tick comes up to 5 s later than it is due: the daemon looks for due sensors that often.
    assert 21 * 3 <= 63 and BUCKET_SECONDS == 60
    world = World(arrivals=[1001.0], late=5.0, seconds=0.5, requests=20)
    world.run_until(2000.0)
    (asked,) = [at for at, _ in world.asked if at > 1001.0]
    assert asked - 1001.0 <= 120.0


@dataclass
class World:
    """A species under the sensor's rules: ticks that come when due, and inventories at once."""

    arrivals: list[float]
    late: float
    seconds: float
    requests: int
    longest_wait: float = LONGEST
    now: float = 0.0
    cursor: str | None = None
    recorded: dict[str, str] = field(default_factory=dict)
    recorded_at: float = 0.0
    looks: list[tuple[float, str]] = field(default_factory=list)
    asked: list[tuple[float, bool]] = field(default_factory=list)

    def audio(self) -> str:
        return str(bisect_right(self.arrivals, self.now))

    def run_until(self, end: float) -> None:
        while self.now < end:
            self.tick()
            self.now += LIMITS.shortest + self.late

    def tick(self) -> None:
        memory = read_memory(self.cursor, self.now)
        at_all = memory.lists_all(self.now, LIMITS)
        if memory.to_list(["owl"], self.recorded, self.now, LIMITS):
            seen = {"owl": self.audio()}
            self.looks.append((self.now, seen["owl"]))
            look = PastListing(self.now, self.seconds, self.requests)
            memory = memory.after_listing(seen, self.recorded, look, at_all=at_all)
        overdue = memory.overdue(self.longest_wait, self.now)
        if overdue or memory.settled:
            self.asked.append((self.now, bool(overdue)))
            memory = memory.asked_for(["owl"], self.now)
            self.recorded, self.recorded_at = {"owl": self.audio()}, self.now
        self.cursor = write_memory(memory)


@settings(deadline=None, max_examples=200)
@given(
    gaps=st.lists(st.floats(0.5, 400.0), min_size=1, max_size=80),
    late=st.floats(0.0, 10.0),
    seconds=st.floats(0.0, 40.0),
    requests=st.integers(0, 500),
    longest_wait=st.floats(10.0, 4000.0),
)
def test_whatever_arrives_when_its_inventory_is_asked_for_after_the_longest_wait_at_the_latest(
    gaps, late, seconds, requests, longest_wait
):
    arrivals = [sum(gaps[: i + 1]) + 500.0 for i in range(len(gaps))]
    world = World(arrivals, late, seconds, requests, longest_wait)
    tick = LIMITS.shortest + late
    interval = max(LIMITS.shortest, min(SHARE * seconds, LIMITS.longest)) + tick
    at_rest = max(interval, LIMITS.longest + tick)
    waiting_since = None
    while world.now < arrivals[-1] + longest_wait + at_rest + 2 * interval:
        asked, looks = len(world.asked), len(world.looks)
        world.tick()
        if len(world.looks) > looks and waiting_since is None:
            memory = read_memory(world.cursor, world.now)
            waiting_since = world.now if memory.changed else None
        if len(world.asked) > asked:
            _, was_overdue = world.asked[-1]
            assert waiting_since is not None
            assert world.now - waiting_since <= longest_wait + interval
            # Audio that is at rest is worked on when two looks have agreed, and never earlier.
            (first, one), (second, other) = ([(-1.0, "none")] + world.looks)[-2:]
            assert was_overdue or (one == other and first < second)
            waiting_since = None
        elif waiting_since is not None:
            assert world.now - waiting_since <= longest_wait + interval
        world.now += tick
    assert world.recorded == {"owl": str(len(arrivals))}
    assert world.recorded_at - arrivals[-1] <= at_rest + longest_wait + 2 * interval


@pytest.mark.parametrize(
    ("wanted", "known", "expected"),
    [((), (), ("fox", "owl")), ((), ("owl",), ("fox",)), (("owl",), (), ("owl",))],
)
def test_new_species_are_folders_that_the_settings_want(wanted, known, expected):
    listing = SpeciesListing(("fox", "owl"), {"Barn owl": "rename it"})
    assert new_species(listing, known, wanted) == expected


@pytest.mark.parametrize(
    ("wait", "now", "is_over"),
    [(60, 30.2, False), (60, 59.9, True), (60, 60.1, True), (90, 60, False), (30, 0.1, True)],
)
def test_the_tick_nearest_to_the_end_of_a_wait_looks(wait, now, is_over):
    # A moment too early, and not waiting for another 30 s; after one tick at every tick.
    assert PastListing(0.0).is_over(wait, now, LIMITS) is is_over
