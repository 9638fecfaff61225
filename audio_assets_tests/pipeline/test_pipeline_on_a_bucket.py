"""The whole pipeline with both roots in a bucket: the stand-in's and the emulator's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_assets import load_embeddings, load_learning_curves
from audio_assets.objects.files import exists, read_file, write_atomic
from audio_assets.objects.roots import open_root
from audio_assets.results.parquet import read_table
from audio_assets.tables import AUDIO_INVENTORY, QUARANTINE
from audio_assets_tests.bucket_server import BucketServer
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import write_species

AUDIO = "gs://field-audio/audio"
RESULTS = "gs://field-audio/results"
# Together they strike 20 % of the requests.
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": 503},
    {"kind": 429, "headers": {"Retry-After": "0"}},
    {"kind": "reset"},
    {"kind": "truncate"},
    {"kind": "lost"},
)
RATE = 1 - 0.8 ** (1 / len(FAULTS))
# Published files that name no place; what names one is compared by its columns.
NUMBERS = (
    "balanced_manifest/owl.parquet",
    "fold_scores/placeholder/owl.parquet",
    "fold_predictions/placeholder/owl.parquet",
    "learning_curves.csv",
    "comparisons.csv",
    "answers.csv",
    "learning_curves/owl.json",
    "learning_curves/owl.svg",
)


@pytest.fixture
def place(place: Place) -> Place:
    write_species(place.audio, "owl", recordings=8)
    return place


def upload(place: Place, to: str = AUDIO) -> None:
    for path in sorted(place.audio.rglob("*.wav")):
        write_atomic(open_root(to) / path.relative_to(place.audio).as_posix(), path.read_bytes())


def run(place: Place, results: str = RESULTS, audio: str = AUDIO) -> tuple[dict[str, str], int]:
    summary = place.run("owl", audio_root=audio, results_root=results)
    return summary.failures, len(summary.materialized)


def published(server: BucketServer) -> dict[str, bytes]:
    objects = server.objects["field-audio"].items()
    return {n.removeprefix("results/"): s.data for n, s in objects if n.startswith("results/")}


@pytest.mark.slow
def test_a_bucket_that_fails_a_fifth_of_its_requests_gets_the_same_bytes(
    place: Place, bucket_server: BucketServer, tmp_path: Path
) -> None:
    upload(place)
    assert run(place)[0] == {}
    calm = published(bucket_server)
    assert not [name for name in calm if name.endswith((".claim", ".tmp"))]
    curves = load_learning_curves(RESULTS)
    trained = curves[(curves["metric"] == "roc_auc") & (curves["training_size"] > 0)]
    assert len(trained) and trained["mean"].between(0.5, 1).all()

    # To the same root, since the report shows the settings.
    for name in calm:
        del bucket_server.objects["field-audio"][f"results/{name}"]
    before = len(bucket_server.requests)
    faults = [bucket_server.fail(times=10**6, rate=RATE, **fault) for fault in FAULTS]
    with new_place(tmp_path / "again") as again:
        assert run(again)[0] == {}
    struck = [10**6 - fault.times for fault in faults]
    assert all(struck)
    assert sum(struck) > 0.15 * (len(bucket_server.requests) - before)
    rough = published(bucket_server)
    assert rough.keys() == calm.keys()
    assert [name for name in calm if calm[name] != rough[name]] == []


@pytest.mark.slow
def test_a_second_run_on_a_bucket_finds_everything_fresh(
    place: Place, bucket_server: BucketServer
) -> None:
    upload(place)
    assert run(place)[0] == {}
    assert run(place) == ({}, 0)


@pytest.mark.slow
@pytest.mark.parametrize("service", ["stand-in", "emulator"])
def test_the_same_audio_gets_the_same_numbers_in_a_folder_and_in_a_bucket(
    place: Place, service: str, request: pytest.FixtureRequest
) -> None:
    assert place.run("owl").failures == {}
    if service == "stand-in":
        server = request.getfixturevalue("bucket_server")
        bucket = "gs://field-audio"
        upload(place)
        # As of composed objects, which have no MD5.
        for number, stored in enumerate(server.objects["field-audio"].values()):
            stored.md5 = number % 2 == 0
    else:
        bucket = request.getfixturevalue("emulator_bucket")
        upload(place, f"{bucket}/audio")
    assert run(place, f"{bucket}/results", f"{bucket}/audio")[0] == {}

    there, here = open_root(f"{bucket}/results"), place.results.root
    inventory = read_table(there / "audio_inventory" / "owl.parquet", AUDIO_INVENTORY)
    kinds = set(inventory["checksum"].str.partition(":")[0])
    assert kinds == ({"md5", "crc32c"} if service == "stand-in" else {"md5"})
    for name in NUMBERS:
        assert read_file(there / name) == read_file(here / name), name
    one, other = (load_embeddings(root, "placeholder", "owl") for root in (there, here))
    columns = ["clip_id", "recording_id", "sha256", "seconds"]
    assert one[columns].equals(other[columns])
    assert np.array_equal(np.stack(one["embedding"]), np.stack(other["embedding"]))


@pytest.mark.slow
def test_what_cannot_be_used_is_quarantined_on_a_bucket_as_in_a_folder(
    place: Place, bucket_server: BucketServer
) -> None:
    folder = place.audio / "owl" / "data" / "pos"
    (folder / "no sound.wav").write_bytes(b"no sound at all")
    (folder / "empty.wav").write_bytes(b"")
    first = next(folder.glob("owl*.wav"))
    (folder / "cut.wav").write_bytes(first.read_bytes()[:700])
    (place.audio / "owl/data/neg/both.wav").write_bytes(first.read_bytes())
    upload(place)
    assert run(place)[0] == {} and place.run("owl").failures == {}
    there, here = (
        read_table(root / "quarantine" / "owl.parquet", QUARANTINE)
        for root in (open_root(RESULTS), place.results.root)
    )
    assert len(there) == 5
    columns = ["clip_id", "reason", "detail"]
    assert there[columns].equals(here[columns])
    assert there["uri"].str.startswith(AUDIO).all()
    curves = "learning_curves.csv"
    assert read_file(open_root(RESULTS) / curves) == read_file(place.results.root / curves)


@pytest.mark.slow
@pytest.mark.usefixtures("gives_up_soon")
@pytest.mark.parametrize(
    ("stage", "kind"),
    [("splits", 503), ("splits", 403), ("embedding", "reset"), ("embedding", "truncate")],
)
def test_a_bucket_that_stays_away_fails_the_partition_and_quarantines_nothing(
    place: Place, bucket_server: BucketServer, stage: str, kind: int | str
) -> None:
    upload(place)
    if stage == "embedding":
        # What is known of the clips stays known, and they are embedded again.
        assert run(place)[0] == {}
        for name in [n for n in bucket_server.objects["field-audio"] if "/embeddings/" in n]:
            del bucket_server.objects["field-audio"][name]
    bucket_server.fail(kind, path="/download/.*audio.*neg", times=10**6)
    failures, _ = run(place)
    partition = "owl, splits" if stage == "splits" else "owl, placeholder"
    assert list(failures) == [partition]
    assert "may not be read" in failures[partition] or "could not be read" in failures[partition]
    assert len(failures[partition].splitlines()) == 2
    quarantined = open_root(RESULTS) / "quarantine" / "owl.parquet"
    assert not exists(quarantined) or read_table(quarantined, QUARANTINE).empty
    bucket_server.faults.clear()
    assert run(place)[0] == {}
    assert read_table(quarantined, QUARANTINE).empty
    clips = load_embeddings(RESULTS, "placeholder", "owl")
    assert set(clips["status"]) == {"ok"} and len(clips) == 32
