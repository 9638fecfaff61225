"""What the sensors over the audio ask a bucket for, and what of it they work on when."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from audio_assets.scheduling.audio_changes import changing_since, requests_in
from audio_assets_tests.automation.ticks import Automation
from audio_assets_tests.conftest import BUCKET
from audio_assets_tests.small_audio import clip, write_clip

SECONDS = 30.0
SPECIES = ("bat", "fox", "lynx", "owl")


@dataclass
class Clock:
    """Real time, and what was waited."""

    waited: float = 0.0

    def wait(self, seconds: float = SECONDS) -> None:
        self.waited += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, now = Clock(), time.time
    monkeypatch.setattr(time, "time", lambda: now() + clock.waited)
    return clock


@pytest.fixture
def in_bucket(automation: Automation, bucket_server, clock) -> Iterator[Automation]:
    """Four species in a bucket, whose inventories were made, and at rest for 10 minutes."""
    for name in SPECIES:
        for label in ("pos", "neg"):
            bucket_server.put(BUCKET, f"audio/{name}/data/{label}/{name}-1.wav", b"one")
    # Not held to how long a look takes on this machine: it would wait 20 times as long.
    automation.settings |= {"audio_root": f"gs://{BUCKET}/audio", "listing_max_seconds": 60}
    automation.tick("species_folders")
    for _ in range(20):
        for request in automation.tick("changed_audio"):
            automation.execute(request)
        clock.wait()
    yield automation


def asked_of(bucket_server, call: Callable[[], object]) -> list[str]:
    start = len(bucket_server.requests)
    call()
    return bucket_server.requests[start:]


def test_a_bucket_at_rest_is_listed_every_second_tick_and_asked_for_nothing_between(
    in_bucket, bucket_server, clock
):
    numbers = []
    for _ in range(10):
        asked = asked_of(bucket_server, lambda: in_bucket.tick("changed_audio"))
        numbers.append(len(asked))
        clock.wait()
    # The root, clips.csv beside the species, and four folders each.
    assert sorted(numbers) == [0] * 5 + [2 + 4 * len(SPECIES)] * 5
    while numbers[-1]:
        numbers.append(len(asked_of(bucket_server, lambda: in_bucket.tick("changed_audio"))))
        clock.wait()
    said = in_bucket.look("changed_audio").skip_message
    assert "0 of 4 species listed" in said or "4 of 4 species listed" in said
    assert "next look at all of them" in said
    folders = [len(asked_of(bucket_server, lambda: tick_folders(in_bucket, clock))) for _ in "1234"]
    assert sum(folders) <= 3


def tick_folders(automation: Automation, clock: Clock) -> None:
    automation.tick("species_folders")
    clock.wait()


def test_only_the_species_that_moves_is_looked_at_sooner_and_is_asked_for_in_two_minutes(
    in_bucket, bucket_server, clock
):
    changed = clock.waited
    bucket_server.put(BUCKET, "audio/owl/data/pos/owl-2.wav", b"two")
    requests: list[dg.RunRequest] = []
    while not requests:
        requests = in_bucket.tick("changed_audio")
        clock.wait()
    assert clock.waited - SECONDS - changed <= 120
    assert [request.partition_key for request in requests] == ["owl"]
    in_bucket.execute(requests[0])
    looks = []
    for number in range(8):
        bucket_server.put(BUCKET, f"audio/owl/data/pos/owl-more-{number}.wav", b"more")
        asked = asked_of(bucket_server, lambda: in_bucket.tick("changed_audio"))
        looks.append({name for name in SPECIES for one in asked if f"%2F{name}%2F" in one})
        clock.wait()
    assert all("owl" in look for look in looks)
    assert {"owl"} in looks[-2:] and set(SPECIES) in looks[-2:]


def test_the_cursor_counts_every_request_of_the_ticks(in_bucket, bucket_server, clock):
    before = requests_in(in_bucket.cursors["changed_audio"])
    asked = []
    for _ in range(4):
        asked += asked_of(bucket_server, lambda: in_bucket.tick("changed_audio"))
        clock.wait()
    after = requests_in(in_bucket.cursors["changed_audio"])
    assert sum(after.values()) - sum(before.values()) == len(asked) > 0
    assert requests_in(in_bucket.cursors["species_folders"]) == {"list": 1}


def test_work_that_failed_is_not_tried_again_while_its_audio_moves(in_bucket, bucket_server, clock):
    bucket_server.put(BUCKET, "audio/owl/data/pos/owl-2.wav", b"two")
    requests: list[dg.RunRequest] = []
    while not requests:
        requests = in_bucket.tick("changed_audio")
        clock.wait()
    in_bucket.place.instance.create_run_for_job(
        in_bucket.defs.resolve_job_def("inventory"),
        tags={**requests[0].tags, "dagster/partition": "owl"},
        asset_selection=frozenset(requests[0].asset_selection or ()),
        status=dg.DagsterRunStatus.FAILURE,
    )
    # Its next look is not due, the retry is.
    bucket_server.put(BUCKET, "audio/owl/data/pos/owl-3.wav", b"three")
    clock.waited -= SECONDS
    assert in_bucket.tick("changed_audio") == []
    assert "owl" in changing_since(in_bucket.cursors["changed_audio"])
    clock.wait()
    assert [one.partition_key for one in in_bucket.tick("changed_audio")] == ["owl"]


def test_audio_that_never_stops_arriving_is_worked_on_after_each_longest_wait(automation, clock):
    automation.settings["longest_wait_minutes"] = 5
    automation.tick("species_folders")
    folder = automation.place.audio / "owl" / "data" / "pos"
    asked, began = [], clock.waited
    for number in range(30):
        write_clip(folder / f"owl-pos-t-{number:03d}_pos_1sec_1_z.wav", clip(number, tone=True))
        said = automation.look("changed_audio").skip_message
        for request in automation.tick("changed_audio"):
            asked.append(clock.waited - began)
            automation.execute(request)
        clock.wait()
    # Every 5 minutes, and a look later at most.
    waits = [end - start for start, end in zip([0.0, *asked], asked, strict=False)]
    assert len(asked) == 2 and all(300 <= wait <= 300 + 2 * SECONDS for wait in waits)
    (since,) = changing_since(automation.cursors["changed_audio"]).values()
    assert abs(since - (time.time() - clock.waited + began)) < 60
    assert "still changing: owl since " in said
    # Then it rests.
    automation.tick("changed_audio")
    clock.wait()
    (request,) = automation.tick("changed_audio")
    automation.execute(request)
    clock.wait()
    automation.tick("changed_audio")
    assert changing_since(automation.cursors["changed_audio"]) == {}
