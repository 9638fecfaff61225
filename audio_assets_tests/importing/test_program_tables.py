"""Label tables as Raven, Audacity, Kaleidoscope and BirdNET write them, cut and read back."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_assets.importing.label_meaning import LabelRule, Selector
from audio_assets.importing.label_table import Reading
from audio_assets.importing.layout import Imported, ImportRefusedError
from audio_assets.importing.segments import import_segments
from audio_assets.importing.table_formats import FORMATS

RATE = 8_000
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tAnnotation"


@pytest.fixture(autouse=True)
def recordings(tmp_path: Path) -> None:
    """Two recordings of 20 s whose samples tell their place."""
    for name in ("a.wav", "b.wav"):
        place = (np.arange(20 * RATE) % 30_000).astype(np.int16)
        soundfile.write(tmp_path / name, place, RATE, subtype="PCM_16")


def cut(
    folder: Path,
    kind: str,
    text: str,
    positive: str = "",
    others: str = "skip",
    recording: str = "",
    context: float | None = None,
) -> Imported:
    table = folder / "table.txt"
    table.write_text(text, encoding="utf-8")
    selectors = (Selector.parse(positive),) if positive else ()
    reading = Reading(
        FORMATS[kind],
        LabelRule(selectors, others),
        folder / recording if recording else None,
    )
    return import_segments(table, folder / "out", species="owl", reading=reading, context=context)


def samples(folder: Path, path: str) -> list[float]:
    """Where a clip begins and ends in its recording, by its samples."""
    sound, _ = soundfile.read(folder / "out" / path, dtype="int16")
    return [len(sound) / RATE, int(sound[0])]


def test_several_views_of_a_raven_selection_count_once(tmp_path: Path) -> None:
    views = ("Waveform 1", "Spectrogram 1", "Spectrogram 2")
    rows = "".join(
        f"{number}\t{view}\t1\t{2 * number}.0\t{2 * number + 1}.5\t{label}\ta.wav\n"
        for number, label in ((1, "coyote"), (2, "dog"), (3, "coyote"))
        for view in views
    )
    done = cut(tmp_path, "raven", f"{RAVEN}\tBegin File\n{rows}", "Annotation=Coyote", others="neg")
    assert done.refused == () and done.remarks == ()
    assert done.written == (
        "owl/data/pos/a.wav_2-3.5s.wav",
        "owl/data/neg/a.wav_4-5.5s.wav",
        "owl/data/pos/a.wav_6-7.5s.wav",
    )
    assert samples(tmp_path, done.written[0]) == [1.5, 2 * RATE]


def test_a_raven_table_of_a_sequence_counts_from_the_offset_in_each_file(tmp_path: Path) -> None:
    rows = (
        "1\tSpectrogram 1\t1\t5.0\t6.5\tcoyote\ta.wav\t5.0\n"
        "2\tSpectrogram 1\t1\t23.0\t24.5\tcoyote\tb.wav\t3.0\n"
    )
    text = f"{RAVEN}\tBegin File\tFile Offset (s)\n{rows}"
    done = cut(tmp_path, "raven", text, "Annotation=coyote")
    assert done.refused == ()
    assert done.written == ("owl/data/pos/a.wav_5-6.5s.wav", "owl/data/pos/b.wav_3-4.5s.wav")


def test_a_raven_table_of_several_files_without_an_offset_is_refused(tmp_path: Path) -> None:
    rows = "1\tS\t1\t5.0\t6.5\tcoyote\ta.wav\n2\tS\t1\t3.0\t4.5\tcoyote\tb.wav\n"
    with pytest.raises(ImportRefusedError, match="no column File Offset"):
        cut(tmp_path, "raven", f"{RAVEN}\tBegin File\n{rows}", "Annotation=coyote")


def test_a_point_is_cut_with_context_and_refused_without(tmp_path: Path) -> None:
    text = "file,start,end,label\na.wav,7,7,pos\na.wav,7.5,9,neg\n"
    done = cut(tmp_path, "csv", text)
    (refused,) = done.refused
    assert (refused.line, len(done.written)) == (2, 1) and "a point at 7 s" in refused.why
    done = cut(tmp_path, "csv", text, context=3.0)
    assert done.written[0] == "owl/data/pos/a.wav_7-7s_in_3s.wav" and done.refused == ()
    assert samples(tmp_path, done.written[0]) == [3.0, round(5.5 * RATE) % 30_000]


def test_a_negative_over_a_point_that_is_positive_is_refused(tmp_path: Path) -> None:
    text = "file,start,end,label\na.wav,7,7,pos\na.wav,6,9,neg\n"
    done = cut(tmp_path, "csv", text, context=3.0)
    (refused,) = done.refused
    assert "overlaps the positive segment 7-7 s of line 2" in refused.why


@pytest.mark.parametrize("path", ["{folder}/a.wav", "D:\\Survey\\a.wav", "/elsewhere/a.wav"])
def test_begin_path_leads_to_the_file_even_on_another_computer(path: str, tmp_path: Path) -> None:
    row = f"1\tS\t1\t5.0\t6.5\tcoyote\t{path.format(folder=tmp_path)}\n"
    done = cut(tmp_path, "raven", f"{RAVEN}\tBegin Path\n{row}", "Annotation=coyote")
    assert done.written == ("owl/data/pos/a.wav_5-6.5s.wav",)
    assert len(done.remarks) == (0 if "folder" in path else 1)


@pytest.mark.parametrize("other, written", [("D:\\SD2\\a.wav", 0), ("a.wav", 1)])
def test_a_file_of_a_missing_folder_is_not_another_one_of_that_name(
    other: str, written: int, tmp_path: Path
) -> None:
    done = cut(tmp_path, "csv", f"file,start,end,label\nD:\\SD1\\a.wav,1,2,pos\n{other},3,4,pos\n")
    assert len(done.written) == written and len(done.refused) == 2 - written
    assert all("there is no file" in refused.why for refused in done.refused)


@pytest.mark.parametrize("path", ["sd1/A.WAV", "SD1\\a.wav", "D:\\Survey\\sd1\\A.WAV"])
def test_a_name_in_another_case_is_the_only_such_file_and_remarked(
    path: str, tmp_path: Path
) -> None:
    (tmp_path / "Sd1").mkdir()
    (tmp_path / "b.wav").rename(tmp_path / "Sd1/a.wav")
    done = cut(tmp_path, "csv", f"file,start,end,label\n{path},1,2,pos\n")
    assert done.written == ("owl/data/pos/Sd1__a.wav_1-2s.wav",) and done.refused == ()
    assert len(done.remarks) == 1 and f"{path} is Sd1/a.wav" in done.remarks[0]


def test_several_spellings_of_a_name_in_other_cases_are_one_file(tmp_path: Path) -> None:
    rows = "A.wav,1,2,pos\na.WAV,3,4,pos\na.wav,5,6,neg\n"
    done = cut(tmp_path, "csv", f"file,start,end,label\n{rows}")
    assert len(done.written) == 3 and done.refused == ()


def test_a_name_that_two_files_have_in_other_cases_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "b.wav").rename(tmp_path / "A.wav")
    if (tmp_path / "a.WAV").exists():
        pytest.skip("this file system ignores case")
    done = cut(tmp_path, "csv", "file,start,end,label\na.WAV,1,2,pos\n")
    (refused,) = done.refused
    assert "there is no file" in refused.why and done.written == ()


def test_a_table_with_other_labels_says_which_and_how_to_choose(tmp_path: Path) -> None:
    row = "1\tS\t1\t5.0\t6.5\tcoyote\ta.wav\n"
    with pytest.raises(ImportRefusedError) as refused:
        cut(tmp_path, "raven", f"{RAVEN}\tBegin File\n{row}")
    assert "holds 'coyote' (1)" in refused.value.what
    assert "--positive 'annotation=coyote'" in refused.value.remedy
    with pytest.raises(ImportRefusedError, match="no column 'anotation'") as refused:
        cut(tmp_path, "raven", f"{RAVEN}\tBegin File\n{row}", "Anotation=coyote")
    assert "'annotation'" in refused.value.remedy
    with pytest.raises(ImportRefusedError, match="no row of .* annotation=wolf; .*'coyote'"):
        cut(tmp_path, "raven", f"{RAVEN}\tBegin File\n{row}", "Annotation=wolf")


def test_rows_that_nobody_labelled_are_never_negatives(tmp_path: Path) -> None:
    text = (
        "INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,TOP1MATCH,MANUAL ID*\n"
        "D:\\rec,,a.wav,0,2.0,1.5,X,coyote\n"
        "D:\\rec,,a.wav,0,6.0,1.5,X,NOISE\n"
        "D:\\rec,,a.wav,0,9.0,1.5,X,\n"
    )
    done = cut(tmp_path, "kaleidoscope", text, "MANUAL ID=coyote", others="neg")
    assert done.written == ("owl/data/pos/a.wav_2-3.5s.wav", "owl/data/neg/a.wav_6-7.5s.wav")
    assert done.refused == () and done.skipped == 1
    assert samples(tmp_path, done.written[0]) == [1.5, 2 * RATE]


def test_kaleidoscope_folders_are_part_of_the_path(tmp_path: Path) -> None:
    (tmp_path / "SD1").mkdir()
    (tmp_path / "b.wav").rename(tmp_path / "SD1/b.wav")
    text = f"INDIR,FOLDER,IN FILE,OFFSET,DURATION,MANUAL ID\n{tmp_path},SD1,b.wav,2,1,yes\n"
    done = cut(tmp_path, "kaleidoscope", text)
    assert done.written == ("owl/data/pos/SD1__b.wav_2-3s.wav",)


def test_audacity_labels_are_cut_from_the_recording_that_is_named(tmp_path: Path) -> None:
    text = (
        "1,000000\t2,500000\tcoyote\n\\\t1326,3\t3266,5\n4,000000\t5,500000\tdog\n"
        "7,000000\t7,000000\tcoyote\n"
    )
    done = cut(tmp_path, "audacity", text, "Label=coyote", "neg", recording="a.wav")
    assert done.written == ("owl/data/pos/a.wav_1-2.5s.wav", "owl/data/neg/a.wav_4-5.5s.wav")
    (refused,) = done.refused
    assert refused.line == 4 and "a point at 7 s" in refused.why
    assert "add --context SECONDS" in refused.why
    with pytest.raises(ImportRefusedError, match="no column file") as error:
        cut(tmp_path, "audacity", text, "Label=coyote")
    assert "--recording" in error.value.remedy


def test_a_recording_beside_one_in_the_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="names its recordings itself"):
        cut(tmp_path, "csv", "file,start,end,label\na.wav,0,1,pos\n", recording="b.wav")


@pytest.mark.parametrize(
    "text",
    [
        "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
        "3.0,6.0,Strix aluco,Tawny Owl,0.87,a.wav\n9.0,12.0,Bubo bubo,Eagle Owl,0.9,a.wav\n",
        "filepath,start,end,scientific_name,common_name,confidence\n"
        "a.wav,3.0,6.0,Strix aluco,Tawny Owl,0.87\na.wav,9.0,12.0,Bubo bubo,Eagle Owl,0.9\n",
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tCommon name\tBegin Path\t"
        "File Offset (s)\n"
        "1\tSpectrogram 1\t1\t23.0\t26.0\tTawny Owl\ta.wav\t3.0\n"
        "2\tSpectrogram 1\t1\t29.0\t32.0\tEagle Owl\ta.wav\t9.0\n",
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name\n"
        ",,a.wav,3.0,3.0,Strix aluco,Tawny Owl\n,,a.wav,9.0,3.0,Bubo bubo,Eagle Owl\n",
    ],
    ids=["csv", "r", "selections", "kaleidoscope"],
)
def test_each_result_table_of_birdnet_is_read(text: str, tmp_path: Path) -> None:
    column = "common_name" if "common_name" in text else "Common name"
    done = cut(tmp_path, "birdnet", text, f"{column}=tawny owl")
    assert done.refused == () and done.skipped == 1
    assert done.written == ("owl/data/pos/a.wav_3-6s.wav",)
    assert "predictions of BirdNET, not labels" in done.remarks[0]


def test_a_wrong_row_does_not_stop_the_good_ones_beside_it(tmp_path: Path) -> None:
    rows = "1\tS\t1\tx\t6.5\tcoyote\ta.wav\n2\tS\t1\t3.0\t4.5\tcoyote\ta.wav\n"
    done = cut(tmp_path, "raven", f"{RAVEN}\tBegin File\n{rows}", "Annotation=coyote")
    assert [refused.line for refused in done.refused] == [2]
    assert done.written == ("owl/data/pos/a.wav_3-4.5s.wav",)
