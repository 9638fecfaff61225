import pandas as pd
import pytest
from upath import UPath

from audio_assets.catalog.reported_clips import clips_to_report, read_reported
from audio_assets.errors import ResultsError
from audio_assets.results.parquet import concat_tables, write_table
from audio_assets.tables import REPORTED_CLIPS

NOTHING = concat_tables([], REPORTED_CLIPS)


def inventory(*names: str, checksum: str = "md5:0") -> pd.DataFrame:
    rows = [("data", f"pos/{name}", checksum) for name in names]
    return pd.DataFrame(rows, columns=["variant", "clip_id", "checksum"])


def after(*inventories: dict[str, pd.DataFrame]) -> pd.DataFrame:
    reported = NOTHING
    for found in inventories:
        reported = clips_to_report(reported, found)
    return reported


def removed(*inventories: dict[str, pd.DataFrame]) -> list[tuple[str, str]]:
    table = after(*inventories)
    gone = table[table["removed"]]
    return list(zip(gone["species"], gone["clip_id"], strict=True))


AB, A, ABC = ({"owl": inventory(*names)} for names in ("ab", "a", "abc"))


def test_the_first_report_knows_of_no_removed_clip():
    assert removed(AB) == []


def test_a_clip_that_is_gone_is_removed():
    assert removed(AB, A) == [("owl", "pos/b")]


def test_a_report_without_a_change_keeps_the_table_as_it_is():
    pd.testing.assert_frame_equal(after(AB, A, A, A), after(AB, A))


def test_the_next_change_of_the_species_begins_the_list_anew():
    assert removed(ABC, AB, A) == [("owl", "pos/b")]
    assert removed(ABC, AB, ABC) == []


def test_a_change_of_another_species_keeps_the_list():
    assert removed(AB, A, A | {"fox": inventory("x")}) == [("owl", "pos/b")]


def test_other_bytes_under_the_same_name_are_a_change_and_no_removal():
    changed = {"owl": inventory("a", checksum="md5:1")}
    assert removed(ABC, A, changed) == []
    assert removed(AB, changed) == [("owl", "pos/b")]


def test_a_species_emptied_of_clips_has_all_of_them_removed():
    assert removed(AB, {"owl": inventory()}) == [("owl", "pos/a"), ("owl", "pos/b")]


def test_a_species_whose_inventory_is_missing_is_left_as_it_was():
    assert removed(AB, {}) == []
    assert removed(AB, {}, A) == [("owl", "pos/b")]


def test_the_table_is_read_back_and_is_empty_before_the_first_report(tmp_path):
    path = UPath(tmp_path / "clips.parquet")
    pd.testing.assert_frame_equal(read_reported(path), NOTHING)
    write_table(path, after(AB, A), REPORTED_CLIPS)
    pd.testing.assert_frame_equal(read_reported(path), after(AB, A))
    path.write_bytes(b"damaged")
    with pytest.raises(ResultsError, match="damaged"):
        read_reported(path)
