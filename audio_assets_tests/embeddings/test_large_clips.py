"""Large files are looked at before they are read, in a folder and in a bucket."""

import gzip
import os

import pytest

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.catalog import clip_digests, reading
from audio_assets.catalog.clip_digests import digest_clips, with_digests
from audio_assets.catalog.clip_properties import measure_clips
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.reading import ClipReader, content_reader
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.errors import TransientStorageError
from audio_assets.objects.files import write_atomic
from audio_assets.objects.roots import open_root
from audio_assets_tests.audio.hostile_files import long_wav, no_audio
from audio_assets_tests.audio.odd_files import encoded

BUCKET, FOLDER = "field-audio", "audio/owl/data/pos"
LIMITS = DurationLimits()
SMALL = 100_000
GOOD = encoded("WAV", "PCM_16", seconds=4.0)


@pytest.fixture
def small_is_large(monkeypatch):
    """Files of more than 100 kB count as large, so that tests need not write gigabytes."""
    monkeypatch.setattr(reading, "INSPECTED_FROM", SMALL)


@pytest.fixture
def ends_stand_for_large_files(monkeypatch):
    monkeypatch.setattr(reading, "WHOLE_UP_TO", SMALL)
    monkeypatch.setattr(clip_digests, "WHOLE_UP_TO", SMALL)


def take(root):
    return build_inventory(list_objects(root, "owl"), RecordingRules())


def uri_of(inventory, name):
    (found,) = [uri for uri in inventory["uri"] if uri.endswith(f"/{name}")]
    return found


def put(root, name, data):
    write_atomic(root / "owl/data/pos" / name, data)


@pytest.fixture
def in_bucket(bucket_server):
    return open_root(f"gs://{BUCKET}/audio")


@pytest.mark.parametrize(
    "hostile", [long_wav(1_000), no_audio(90_000_000)], ids=["WAV", "no audio"]
)
def test_a_large_file_that_is_no_clip_is_not_downloaded(bucket_server, in_bucket, hostile):
    bucket_server.put(BUCKET, f"{FOLDER}/a.wav", hostile.sparse())
    inventory = take(in_bucket)
    read = ClipReader(in_bucket, inventory, LIMITS)
    found = read(uri_of(inventory, "a.wav"))
    assert isinstance(found, ClipFault) and found.reason == hostile.reason
    assert 0 < bucket_server.sent[f"{FOLDER}/a.wav"] == read.bytes_read <= 2**18


@pytest.mark.parametrize(
    "hostile", [long_wav(1_000), no_audio(90_000_000)], ids=["WAV", "no audio"]
)
def test_a_large_file_that_is_no_clip_is_not_read(tmp_path, hostile):
    root = open_root(tmp_path)
    (tmp_path / "owl/data/pos").mkdir(parents=True)
    hostile.write(tmp_path / "owl/data/pos/a.wav")
    inventory = take(root)
    read = ClipReader(root, inventory, LIMITS)
    found = read(uri_of(inventory, "a.wav"))
    assert isinstance(found, ClipFault) and found.reason == hostile.reason
    assert 0 < read.bytes_read <= 2**18


@pytest.mark.usefixtures("small_is_large")
def test_a_large_clip_is_read_whole_and_compared_after_the_look(root):
    put(root, "a.wav", GOOD)
    inventory = take(root)
    read = ClipReader(root, inventory, LIMITS)
    assert len(GOOD) > SMALL
    assert read(uri_of(inventory, "a.wav")) == GOOD
    assert len(GOOD) < read.bytes_read <= len(GOOD) + 2**18


@pytest.mark.usefixtures("small_is_large")
def test_a_small_clip_is_read_with_one_request(bucket_server, in_bucket):
    bucket_server.put(BUCKET, f"{FOLDER}/a.wav", GOOD[: SMALL - 1])
    inventory = take(in_bucket)
    bucket_server.requests.clear()
    assert ClipReader(in_bucket, inventory, LIMITS)(uri_of(inventory, "a.wav")) == GOOD[: SMALL - 1]
    assert len(bucket_server.requests) == 1


@pytest.mark.parametrize("gone", [True, False], ids=["removed", "changed"])
def test_a_large_object_that_is_another_one_by_now_is_a_passing_error(
    bucket_server, in_bucket, gone
):
    bucket_server.put(BUCKET, f"{FOLDER}/a.wav", long_wav(1_000).sparse())
    inventory = take(in_bucket)
    if gone:
        del bucket_server.objects[BUCKET][f"{FOLDER}/a.wav"]
    else:
        bucket_server.put(BUCKET, f"{FOLDER}/a.wav", long_wav(1_000).sparse())
    for read in (ClipReader(in_bucket, inventory, LIMITS), content_reader(in_bucket, inventory)):
        with pytest.raises(TransientStorageError, match="after it was listed"):
            read(uri_of(inventory, "a.wav"))


@pytest.mark.usefixtures("small_is_large", "ends_stand_for_large_files")
@pytest.mark.parametrize("size", [len(GOOD), len(GOOD) + 2])
def test_a_large_file_that_was_changed_after_it_was_listed_is_a_passing_error(tmp_path, size):
    root = open_root(tmp_path)
    put(root, "a.wav", GOOD)
    inventory = take(root)
    # What is no audio would be quarantined for good under the name of the clip.
    (tmp_path / "owl/data/pos/a.wav").write_bytes(bytes(size))
    for read in (ClipReader(root, inventory, LIMITS), content_reader(root, inventory)):
        with pytest.raises(TransientStorageError, match="was changed after it was listed"):
            read(uri_of(inventory, "a.wav"))


@pytest.mark.usefixtures("small_is_large")
def test_a_large_file_of_another_mode_is_the_one_that_was_listed(tmp_path):
    root = open_root(tmp_path)
    put(root, "a.wav", bytes(2 * SMALL))
    path = tmp_path / "owl/data/pos/a.wav"
    # Long ago, so that the listing trusts its time.
    os.utime(path, ns=(10**18, 10**18))
    inventory = take(root)
    path.chmod(0o600)
    found = ClipReader(root, inventory, LIMITS)(uri_of(inventory, "a.wav"))
    assert isinstance(found, ClipFault) and found.reason == "not_audio"


@pytest.mark.usefixtures("small_is_large")
def test_an_object_that_is_stored_compressed_is_judged_when_it_is_unpacked(
    bucket_server, in_bucket
):
    # Noise packs to no less.
    clip = encoded("WAV", "FLOAT", seconds=2.0) + os.urandom(SMALL)
    for name, data in (("a.wav", clip), ("bomb.wav", bytes(40_000_000))):
        packed = gzip.compress(data, 1)
        bucket_server.put(BUCKET, f"{FOLDER}/{name}", packed).encoding = "gzip"
        assert len(packed) > SMALL
    inventory = take(in_bucket)
    read = ClipReader(in_bucket, inventory, DurationLimits(max_samples=1_000_000))
    assert read(uri_of(inventory, "a.wav")) == clip
    found = read(uri_of(inventory, "bomb.wav"))
    assert isinstance(found, ClipFault) and found.reason == "too_large"
    assert "unpack to more than 20.8 MB" in found.detail


def test_a_packed_file_of_another_kind_is_no_audio(bucket_server, in_bucket):
    bucket_server.put(BUCKET, f"{FOLDER}/a.gz", gzip.compress(os.urandom(5_000_000)))
    inventory = take(in_bucket)
    found = ClipReader(in_bucket, inventory, LIMITS)(uri_of(inventory, "a.gz"))
    assert isinstance(found, ClipFault) and found.reason == "not_audio"


def digests(root, known=None):
    inventory = take(root)
    table, read = digest_clips(
        inventory,
        known=known,
        content=content_reader(root, inventory),
        progress=lambda *_: None,
    )
    return table, read


@pytest.mark.usefixtures("ends_stand_for_large_files")
def test_large_clips_have_one_digest_in_a_folder_and_in_a_bucket(
    bucket_server, in_bucket, tmp_path
):
    clips = {"a.wav": GOOD, "b.wav": GOOD[:-1] + b"x", "c.wav": b"x" + GOOD[1:], "d.wav": b"small"}
    for name, data in clips.items():
        put(open_root(tmp_path), name, data)
        bucket_server.put(BUCKET, f"{FOLDER}/{name}", data)
    of_folder, _ = digests(open_root(tmp_path))
    of_bucket, read = digests(in_bucket)
    assert read == len(clips)
    assert of_folder["content"].tolist() == of_bucket["content"].tolist()
    assert of_folder["content"].nunique() == len(clips)
    kinds = of_bucket["content"].str.partition(":")[0]
    assert kinds.tolist() == ["ends", "ends", "ends", "sha256"]
    assert all(bucket_server.sent[f"{FOLDER}/{name}"] == 2**17 for name in ("a.wav", "b.wav"))
    named = with_digests(take(in_bucket), of_bucket)
    assert named["checksum"].tolist() == of_bucket["content"].tolist()


@pytest.mark.usefixtures("ends_stand_for_large_files")
def test_a_large_clip_that_was_read_whole_by_an_earlier_version_is_digested_again(
    bucket_server, in_bucket
):
    for name, data in (("a.wav", GOOD), ("d.wav", b"small")):
        bucket_server.put(BUCKET, f"{FOLDER}/{name}", data)
    now, _ = digests(in_bucket)
    before = now.assign(content="sha256:" + "0" * 64)
    again, read = digests(in_bucket, before)
    assert read == 1
    assert again["content"].tolist() == [now["content"][0], before["content"][1]]
    assert digests(in_bucket, now)[1] == 0


def test_a_file_of_gigabytes_costs_the_digests_of_a_species_no_download(bucket_server, in_bucket):
    bucket_server.put(BUCKET, f"{FOLDER}/a.wav", no_audio(90_000_000).sparse())
    bucket_server.put(BUCKET, f"{FOLDER}/b.wav", GOOD)
    table, _ = digests(in_bucket)
    assert len(table) == 2
    assert bucket_server.sent[f"{FOLDER}/a.wav"] <= 2**17


def test_large_files_that_are_no_clips_leave_the_others_measured(bucket_server, in_bucket):
    bucket_server.put(BUCKET, f"{FOLDER}/a.wav", long_wav(1_000).sparse())
    bucket_server.put(BUCKET, f"{FOLDER}/b.wav", GOOD)
    inventory = take(in_bucket)
    table, measured = measure_clips(
        inventory,
        ["data"],
        known=None,
        read=ClipReader(in_bucket, inventory, LIMITS),
        limits=LIMITS,
        workers=2,
        progress=lambda *_: None,
    )
    assert table["clip_id"].tolist() == ["pos/b"] and measured == 2
    # A lower bound holds for what was measured under a higher one.
    few = DurationLimits(max_samples=len(GOOD) // 4)
    again, _ = measure_clips(
        inventory,
        ["data"],
        known=table,
        read=ClipReader(in_bucket, inventory, few),
        limits=few,
        workers=2,
        progress=lambda *_: None,
    )
    assert again.empty


def test_a_compressed_object_that_unpacks_to_much_is_not_unpacked_whole_for_its_digest(
    in_bucket, bucket_server, ends_stand_for_large_files
):
    for name, size in (("bomb.wav", 50 * SMALL), ("small.wav", SMALL)):
        packed = gzip.compress(bytes(size))
        assert len(packed) < SMALL
        bucket_server.put(BUCKET, f"{FOLDER}/{name}", packed).encoding = "gzip"
    inventory = take(in_bucket)
    content = content_reader(in_bucket, inventory)
    assert content(uri_of(inventory, "bomb.wav")).startswith("ends:")
    assert content(uri_of(inventory, "small.wav")).startswith("sha256:")
