"""Who may put links under the audio root may not make us read or size what is elsewhere."""

import os

import pytest
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog import listing
from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.catalog.clips_csv import read_clips_csv
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects, list_species
from audio_assets.catalog.reading import ClipReader, content_reader
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.errors import AudioRootError, TransientStorageError
from audio_assets.objects.links import LeadsOutError

RULES = RecordingRules(patterns=DEFAULT_RECORDING_PATTERNS)
SECRET = b"nobody may know how long this is"
UNDER_ROOT = "owl/data/pos"


@pytest.fixture
def audio(tmp_path):
    """A root with one clip, a secret beside it, and a folder of secrets."""
    root = tmp_path / "audio"
    (root / UNDER_ROOT).mkdir(parents=True)
    (root / UNDER_ROOT / "good.wav").write_bytes(b"sound")
    for folder in ("elsewhere/data/pos", "elsewhere/pos"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "secret name.wav").write_bytes(SECRET)
    # Its name begins with the root's.
    (tmp_path / "audio secret.wav").write_bytes(SECRET)
    return root


def inventory(root):
    return build_inventory(list_objects(UPath(root), "owl"), RULES).set_index("clip_id")


@pytest.fixture(params=["clips", "content"])
def reader(request):
    """Makes each of what reads files of an inventory."""

    def make(root, table):
        if request.param == "clips":
            return ClipReader(UPath(root), table.reset_index(), DurationLimits())
        return content_reader(UPath(root), table.reset_index())

    return make


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_out_of_the_root_is_named_and_neither_read_nor_sized(audio, absolute, monkeypatch):
    secret = audio.parent / "audio secret.wav"
    target = secret if absolute else os.path.relpath(secret, audio / UNDER_ROOT)
    (audio / UNDER_ROOT / "out.wav").symlink_to(target)
    (audio / UNDER_ROOT / "chain.wav").symlink_to("out.wav")
    real = open
    opened = []
    monkeypatch.setattr(
        listing, "open", lambda p, *a: opened.append(p) or real(p, *a), raising=False
    )
    table = inventory(audio)
    assert table["status"].to_dict() == {
        "pos/chain": "link_out_of_root",
        "pos/good": "ok",
        "pos/out": "link_out_of_root",
    }
    assert [os.path.basename(path) for path in opened] == ["good.wav"]
    for name in ("chain", "out"):
        row = table.loc[f"pos/{name}"]
        assert (row["size"], row["file_state"], row["updated"].year) == (0, "", 1970)
        assert row["checksum"].startswith("unread:")


def test_what_a_link_leads_to_outside_changes_nothing_of_the_inventory(audio):
    secret = audio.parent / "audio secret.wav"
    (audio / UNDER_ROOT / "out.wav").symlink_to(secret)
    before = inventory(audio)
    secret.write_bytes(SECRET * 7)
    assert inventory(audio).equals(before)
    secret.unlink()
    assert inventory(audio).equals(before)


@pytest.mark.parametrize(
    ("link", "target", "named"),
    [
        ("owl/data/pos", "elsewhere/pos", {"pos/pos": "owl/data/pos"}),
        ("owl/data", "elsewhere/data", {"neg/data": "owl/data", "pos/data": "owl/data"}),
        ("owl", "elsewhere", {"neg/owl": "owl", "pos/owl": "owl"}),
    ],
)
def test_a_folder_that_leads_out_is_named_and_its_files_are_not(audio, link, target, named):
    os.rename(audio / link, audio.parent / "moved")
    (audio / link).symlink_to(audio.parent / target)
    (audio / "fox").mkdir()
    assert list_species(UPath(audio)).species == ("fox", "owl")
    table = inventory(audio)
    of_data = table[table["variant"] == "data"]
    assert {i: os.path.relpath(u, audio) for i, u in of_data["uri"].items()} == named
    assert set(table["status"]) == {"link_out_of_root"}
    assert set(table["size"]) == {0}


def test_links_within_the_root_and_a_root_that_is_a_link_are_followed(audio):
    (audio / UNDER_ROOT / "twin.wav").symlink_to("good.wav")
    (audio / "owl/data/neg").symlink_to("pos")
    (audio.parent / "root").symlink_to(audio)
    for root in (audio, audio.parent / "root"):
        table = inventory(root)
        assert set(table["status"]) == {"both_labels"}
        assert set(table["size"]) == {5}
    # One name for each of two files in two folders.
    assert len(table) == 4


def test_a_clip_that_became_a_link_out_after_it_was_listed_is_not_read(audio, reader):
    (audio / UNDER_ROOT / "good.wav").write_bytes(SECRET)
    read = reader(audio, inventory(audio))
    clip = audio / UNDER_ROOT / "good.wav"
    assert read(str(clip))
    clip.unlink()
    # The same bytes, so that no checksum gives it away.
    clip.symlink_to(audio.parent / "audio secret.wav")
    with pytest.raises(TransientStorageError, match="leads out of the audio root"):
        read(str(clip))


def test_a_link_out_is_not_read_even_if_a_caller_asks(audio, reader):
    link = audio / UNDER_ROOT / "out.wav"
    link.symlink_to(audio.parent / "audio secret.wav")
    read = reader(audio, inventory(audio))
    with pytest.raises(LeadsOutError):
        read(str(link))


def test_a_link_put_in_place_while_the_folder_is_listed_is_not_hashed(audio, monkeypatch):
    clip = audio / UNDER_ROOT / "good.wav"
    real_list = listing._list

    def as_listed(folder, **options):
        for entry in real_list(folder, **options):
            if entry.name == clip.name:
                clip.unlink()
                clip.symlink_to(audio.parent / "audio secret.wav")
            yield entry

    monkeypatch.setattr(listing, "_list", as_listed)
    assert inventory(audio).loc["pos/good", "checksum"].startswith("unread:")


def test_a_clips_csv_that_leads_out_is_refused_and_nothing_of_it_is_said(audio):
    (audio.parent / "clips of others.csv").write_bytes(b"file,secret\n")
    (audio / "clips.csv").symlink_to(audio.parent / "clips of others.csv")
    with pytest.raises(AudioRootError, match="leads out of the audio root") as caught:
        read_clips_csv(UPath(audio))
    assert "secret" not in str(caught.value)


def test_a_clips_csv_that_is_a_link_within_the_root_is_read(audio):
    (audio / "lists").mkdir()
    (audio / "lists/clips.csv").write_bytes(b"file,group\nowl/data/pos/good.wav,one\n")
    (audio / "clips.csv").symlink_to("lists/clips.csv")
    found = read_clips_csv(UPath(audio))
    assert found is not None and found.groups == {"owl/data/pos/good.wav": "one"}
