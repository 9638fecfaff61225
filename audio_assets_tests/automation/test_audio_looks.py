"""What the sensors over the audio ask a bucket for, and what of it they work on when."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from audio_assets.automation.audio_changes import (
    changing_since,
    notifications_fault,
    requests_in,
)
from audio_assets.errors import StorageError
from audio_assets_tests.automation.ticks import Automation
from audio_assets_tests.conftest import BUCKET
from audio_assets_tests.pubsub_server import SUBSCRIPTION, PubsubServer
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
    assert "next listing of all species" in said
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
    # One for the root, and one for each species that is new: its layout is looked at once.
    assert requests_in(in_bucket.cursors["species_folders"]) == {"list": 1 + len(SPECIES)}


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


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubsubServer]:
    with PubsubServer().serve() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


@pytest.fixture
def told(in_bucket: Automation, pubsub: PubsubServer, clock: Clock) -> Automation:
    """The species in the bucket, with notifications since a tick ago."""
    in_bucket.settings["notifications"] = SUBSCRIPTION
    in_bucket.tick("changed_audio")
    clock.wait()
    return in_bucket


def species_asked(bucket_server, call: Callable[[], object]) -> set[str]:
    asked = asked_of(bucket_server, call)
    return {name for name in SPECIES for one in asked if f"%2F{name}%2F" in one}


def test_with_notifications_only_what_they_name_is_listed_and_all_of_it_once_an_hour(
    told, pubsub, bucket_server, clock
):
    def tick() -> set[str]:
        asked = species_asked(bucket_server, lambda: requests.extend(told.tick("changed_audio")))
        clock.wait()
        return asked

    requests: list[dg.RunRequest] = []
    assert [tick() for _ in range(20)] == [set()] * 20
    bucket_server.put(BUCKET, "audio/owl/data/pos/owl-2.wav", b"two")
    pubsub.notify(BUCKET, "audio/owl/data/pos/owl-2.wav")
    pubsub.notify(BUCKET, "elsewhere/fox/data/pos/fox-2.wav")
    pubsub.publish(None)
    assert [tick(), tick()] == [{"owl"}, {"owl"}]
    assert [request.partition_key for request in requests] == ["owl"]
    told.execute(requests.pop())
    assert tick() == {"owl"} and tick() == set() and pubsub.waiting == {}
    # clips.csv may say something of every species.
    pubsub.notify(BUCKET, "audio/clips.csv", "OBJECT_DELETE")
    assert [tick(), tick()] == [set(SPECIES), set()]
    # One that was lost is found by the net.
    bucket_server.put(BUCKET, "audio/fox/data/pos/fox-2.wav", b"two")
    looks = [tick() for _ in range(122)]
    assert looks.count(set(SPECIES)) == 1 and {one.partition_key for one in requests} == {"fox"}


def test_a_notification_is_acknowledged_only_when_its_species_is_in_the_cursor_that_was_kept(
    told, pubsub, bucket_server, clock
):
    bucket_server.put(BUCKET, "audio/owl/data/pos/owl-2.wav", b"two")
    pubsub.notify(BUCKET, "audio/owl/data/pos/owl-2.wav")
    # A tick whose cursor is lost: its process was killed, or the listing failed.
    told.look("changed_audio")
    clock.wait()
    told.tick("changed_audio")
    assert len(pubsub.waiting) == 1
    assert changing_since(told.cursors["changed_audio"]) == {}
    pubsub.come_again()
    clock.wait()
    fault = bucket_server.fail(403, path="owl")
    fault.times = 0
    bucket_server.fail(404, path=r"prefix=audio%2F&", times=1)
    with pytest.raises(StorageError):
        told.tick("changed_audio")
    assert len(pubsub.waiting) == 1
    pubsub.come_again()
    clock.wait()
    told.tick("changed_audio")
    assert "owl" in changing_since(told.cursors["changed_audio"])
    assert len(pubsub.waiting) == 1
    clock.wait()
    told.tick("changed_audio")
    assert pubsub.waiting == {}


@pytest.mark.parametrize("fault", [403, 404, 503])
def test_without_its_notifications_a_bucket_is_listed_as_before_and_the_tick_says_why(
    told, pubsub, bucket_server, clock, fault
):
    pubsub.fault = fault
    looks = []
    for _ in range(6):
        looks.append(species_asked(bucket_server, lambda: told.tick("changed_audio")))
        clock.wait()
    assert looks.count(set(SPECIES)) >= 2
    cursor = told.cursors["changed_audio"]
    assert SUBSCRIPTION in notifications_fault(cursor)
    assert f"no notifications: The subscription {SUBSCRIPTION}" in (
        told.look("changed_audio").skip_message
    )
    # What happened while nobody could tell, and need not have been kept for us, is looked for.
    pubsub.fault = None
    looks = [species_asked(bucket_server, lambda: told.tick("changed_audio")) for _ in range(2)]
    assert looks == [set() if fault == 503 else set(SPECIES), set()]
    assert notifications_fault(told.cursors["changed_audio"]) == ""


def test_notifications_for_a_folder_of_this_machine_are_named_as_a_mistake(automation, pubsub):
    automation.settings["notifications"] = SUBSCRIPTION
    automation.tick("species_folders")
    for _ in range(2):
        requests = automation.tick("changed_audio")
    assert [request.partition_key for request in requests] == ["owl"]
    assert "is not in a bucket" in notifications_fault(automation.cursors["changed_audio"])
