"""ESC-50's layout brought into the project's."""

import csv
from pathlib import Path

import pytest

from audio_assets.errors import AudioRootError
from audio_assets.importing.esc50 import import_esc50
from audio_assets.importing.layout import ImportRefusedError

CATEGORIES = ("dog", "rooster", "rain")


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    """A data set with ESC-50's layout: 3 categories, 5 folds, 2 sources a fold, 2 takes each."""
    folder = tmp_path / "ESC-50-master"
    (folder / "audio").mkdir(parents=True)
    (folder / "meta").mkdir()
    columns = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    with (folder / "meta/esc50.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for target, category in enumerate(CATEGORIES):
            for fold in range(1, 6):
                for source in (100 * target + 10 * fold, 100 * target + 10 * fold + 1):
                    for take in "AB":
                        name = f"{fold}-{source}-{take}-{target}.wav"
                        writer.writerow([name, fold, target, category, "False", source, take])
                        (folder / "audio" / name).write_bytes(name.encode())
    return folder


def read_groups(root: Path) -> dict[str, str]:
    with (root / "clips.csv").open(newline="") as file:
        return {line["file"]: line["group"] for line in csv.DictReader(file)}


def test_a_category_becomes_a_species_with_the_folds_as_recordings(
    esc50: Path, tmp_path: Path
) -> None:
    root = tmp_path / "audio"
    done = import_esc50(esc50, root, ["dog"])
    assert not done.refused
    names = {path.name for path in (root / "dog/data/pos").iterdir()}
    assert len(names) == 20 and all(name.endswith("-0.wav") for name in names)
    assert names == {path.name for path in (root / "dog/data_5s/pos").iterdir()}
    for path, group in read_groups(root).items():
        assert group == f"esc50-fold-{Path(path).name[0]}"


def test_negatives_are_as_many_of_every_other_category_in_every_fold(
    esc50: Path, tmp_path: Path
) -> None:
    import_esc50(esc50, tmp_path / "audio", ["dog"], negatives=2)
    found = [path.stem.split("-") for path in (tmp_path / "audio/dog/data/neg").iterdir()]
    counts = {(fold, target) for fold, _, _, target in found}
    assert counts == {(str(fold), target) for fold in range(1, 6) for target in "12"}
    assert len(found) == 20


def test_source_recordings_can_be_the_groups(esc50: Path, tmp_path: Path) -> None:
    import_esc50(esc50, tmp_path / "audio", ["dog"], group_by="source")
    for path, group in read_groups(tmp_path / "audio").items():
        assert group == f"esc50-{Path(path).name.split('-')[1]}"


def test_a_second_category_beside_the_first_and_again_changes_nothing_that_was_there(
    esc50: Path, tmp_path: Path
) -> None:
    root = tmp_path / "audio"
    first = import_esc50(esc50, root, ["dog"])
    import_esc50(esc50, root, ["rooster"])
    again = import_esc50(esc50, root, ["dog"])
    assert again.unchanged == first.written and not again.written
    assert {path.name for path in root.iterdir()} == {"dog", "rooster", "clips.csv"}


def test_a_missing_file_is_named_and_the_others_are_copied(esc50: Path, tmp_path: Path) -> None:
    (esc50 / "audio/1-10-A-0.wav").unlink()
    done = import_esc50(esc50, tmp_path / "audio", ["dog"])
    assert [Path(left.file).name for left in done.refused] == ["1-10-A-0.wav"]
    assert len([path for path in done.written if "/data/pos/" in path]) == 19
    assert "dog/data/pos/1-10-A-0.wav" not in read_groups(tmp_path / "audio")


@pytest.mark.parametrize("line", ["./dog/data/pos/1-10-A-0.wav,pond", "dog/data/pos/a.wav,a,b"])
def test_nothing_is_copied_where_clips_csv_cannot_be_added_to(
    line: str, esc50: Path, tmp_path: Path
) -> None:
    root = tmp_path / "audio"
    root.mkdir()
    (root / "clips.csv").write_text(f"file,group\n{line}\n")
    with pytest.raises(AudioRootError):
        import_esc50(esc50, root, ["dog"])
    assert [path.name for path in root.rglob("*")] == ["clips.csv"]


def test_clips_of_an_import_that_was_interrupted_have_their_recordings(
    esc50: Path, tmp_path: Path
) -> None:
    def interrupt(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_esc50(esc50, tmp_path / "audio", ["dog"], progress=interrupt)
    found = {
        path.relative_to(tmp_path / "audio").as_posix()
        for path in (tmp_path / "audio").rglob("*.wav")
    }
    assert set(read_groups(tmp_path / "audio")) == found and found


def test_an_unknown_category_lists_those_there_are(esc50: Path, tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="no category wolf") as refused:
        import_esc50(esc50, tmp_path / "audio", ["wolf"])
    assert "dog, rain, rooster" in refused.value.remedy
    assert not (tmp_path / "audio").exists()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="esc50.csv cannot be read"):
        import_esc50(tmp_path, tmp_path / "audio")
