"""The reader of clips.csv: every form that spreadsheets write means the same."""

import codecs
import csv
import io
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from audio_assets.catalog.clips_csv import ClipsCsv, normal_path, read_clips_csv
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.errors import AudioRootError
from audio_assets.objects.roots import open_root
from audio_assets.tables.formula_guard import unguarded
from audio_assets_tests.bucket_server import BucketServer

CLIP = "owl/data/pos/Jägerhof 1.wav"
PLAIN = f"file,group\n{CLIP},site1\nowl/data/neg/b.wav,site2\n"
GROUPS = {CLIP: "site1", "owl/data/neg/b.wav": "site2"}


def read(root: Path, data: bytes, name: str = "clips.csv") -> ClipsCsv:
    (root / name).write_bytes(data)
    found = read_clips_csv(UPath(root))
    assert found is not None
    return found


FORMS = {
    "plain": PLAIN,
    "no newline at the end": PLAIN.rstrip("\n"),
    "empty lines": PLAIN.replace("\n", "\n\n"),
    "empty rows": f"\n,,,\n{PLAIN}, \n,,,,\n",
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "capitals and blanks": PLAIN.replace("file,group", "File, Group "),
    "all capitals": PLAIN.replace("file,group", "FILE,GROUP"),
    "trailing commas in all lines": PLAIN.replace("\n", ",,\n"),
    "trailing commas in lines": PLAIN.replace("site1", "site1,,"),
    "trailing commas in the header": PLAIN.replace("group", "group,,"),
    "trailing semicolons": PLAIN.replace(",", ";").replace("\n", ";;\n"),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "CR": PLAIN.replace("\n", "\r"),
    "blanks around values": PLAIN.replace(",", " , ").replace("\n", " \n"),
    "quotes": "".join(
        ",".join(f'"{value}"' for value in line.split(",")) + "\n" for line in PLAIN.splitlines()
    ),
    "quotes after a blank": PLAIN.replace(",site1", ', "site1" '),
    "sep line": "sep=;\n" + PLAIN.replace(",", ";"),
    "sep line in quotes": '"sep=;"\r\n' + PLAIN.replace(",", ";").replace("\n", "\r\n"),
    "sep line for a tab": "sep=\t\n" + PLAIN.replace(",", "\t"),
    "sep line that is wrong": "sep=;\n" + PLAIN,
    "sep line with commas": "SEP=,,\n" + PLAIN.replace("\n", ",\n"),
    "sep line with a sign of its own": "sep=^\n" + PLAIN.replace(",", "^"),
    "backslashes": PLAIN.replace("/", "\\"),
    "./": PLAIN.replace("owl/", "./owl/"),
    "NFD": unicodedata.normalize("NFD", PLAIN),
    "more columns": "note,Group,x,File\n"
    + "".join(f'"a, b",{group},,{file}\n' for file, group in GROUPS.items()),
    "more columns with semicolons and commas": "Note;File;Group\n"
    + "".join(f"a, b;{file};{group}\n" for file, group in GROUPS.items()),
    "a note of two lines": "note,file,group\n"
    + "".join(f'"one\ntwo",{file},{group}\n' for file, group in GROUPS.items()),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_same(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, FORMS[form].encode())
    assert found.groups == GROUPS and not found.faults


@pytest.mark.parametrize("form", ["plain", "semicolons", "CRLF", "sep line"])
@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-16-be with its mark", "latin-1"])
def test_every_encoding_means_the_same(form: str, encoding: str, tmp_path: Path) -> None:
    if encoding == "utf-16-be with its mark":
        data = codecs.BOM_UTF16_BE + FORMS[form].encode("utf-16-be")
    else:
        data = FORMS[form].encode(encoding)
    assert read(tmp_path, data).groups == GROUPS


def test_signs_that_nobody_sees_are_no_part_of_a_column(tmp_path: Path) -> None:
    text = "\ufeff\u200bfile\xa0,group\nowl/data/pos/a.wav,r1\n"
    (tmp_path / "clips.csv").write_bytes(text.encode("utf-8-sig"))
    listed = read_clips_csv(UPath(tmp_path))
    assert listed is not None and listed.groups == {"owl/data/pos/a.wav": "r1"}
    assert listed.with_lines({"b": "r2"}).decode("utf-8-sig") == f"{text}b,r2\n"


@pytest.mark.parametrize("name", ["Clips.csv", "CLIPS.CSV", "clips.CSV"])
def test_the_name_may_have_capitals_and_is_kept(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, PLAIN.encode(), name)
    assert found.groups == GROUPS and found.path.name == name
    rules = read_recording_rules(UPath(tmp_path), ())
    assert rules.recording_of(CLIP) == ("site1", "clips.csv")


def test_two_files_are_an_error_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(PLAIN)
    (tmp_path / "Clips.CSV").write_text(PLAIN)
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell capitals apart")
    with pytest.raises(AudioRootError, match=r"Clips\.CSV and clips\.csv"):
        read_clips_csv(UPath(tmp_path))


def test_a_root_without_one_has_none(tmp_path: Path) -> None:
    (tmp_path / "old clips.csv").write_text(PLAIN)
    (tmp_path / "clips.csv.bak").write_text(PLAIN)
    assert read_clips_csv(UPath(tmp_path)) is None
    assert read_clips_csv(UPath(tmp_path / "not there")) is None


def test_a_root_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("")
    with pytest.raises(AudioRootError, match="cannot be listed"):
        read_clips_csv(UPath(tmp_path / "root"))


def test_a_folder_of_that_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").mkdir()
    with pytest.raises(AudioRootError, match="cannot be read: a folder"):
        read_clips_csv(UPath(tmp_path))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no column file and no column group; it is empty"),
        (b"\n,,\n", "it is empty"),
        (b"path;site\na;b\n", "its columns are 'path', 'site' .separated by semicolon"),
        (b"owl/data/pos/a.wav,r1\n", "its columns are 'owl/data/pos/a.wav', 'r1' .separated by co"),
        (b"file\na.wav\n", "no column group; its columns are 'file'"),
        (b"file,File,group\n", "two columns file; its columns are 'file', 'File', 'group'"),
        (b"PK\x03\x04\x14\x00", "it is a workbook, not a CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "it is a workbook, not a CSV"),
        (b"file,group\n\x81,\x8d\n", "cannot be read as text"),
        (b"file,group\na\x00b,c\n", "zero bytes"),
        (codecs.BOM_UTF16_LE + b"f\x00i", "cannot be read as text|no column file"),
        (codecs.BOM_UTF16_LE + b"f\x00i\x00l", "cannot be read as text"),
        (b'file,group\na,b\n"c,d\ne,f\n', "line 3: a quote is not closed"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_shows_what_is_there(
    data: bytes, words: str, tmp_path: Path
) -> None:
    with pytest.raises(AudioRootError, match=words) as refused:
        read(tmp_path, data)
    assert str(tmp_path / "clips.csv") in refused.value.what and refused.value.remedy


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("owl/data/pos/c.wav,", "line 4: file or group is empty"),
        ("owl/data/pos/c.wav", "line 4: file or group is empty"),
        ("owl/data/pos/c, d.wav,x", "line 4: more values than the columns file, group"),
        ("./owl/data/neg/b.wav,x", "line 4 assigns ./owl/data/neg/b.wav to a second group: 'x'"),
    ],
)
def test_a_wrong_line_is_a_fault_of_its_own_and_leaves_the_others(
    line: str, words: str, tmp_path: Path
) -> None:
    found = read(tmp_path, f"{PLAIN}{line}\n".encode())
    (fault,) = found.faults
    assert words in fault.error.what and fault.file.startswith("owl/data/")
    assert found.groups == GROUPS


@pytest.mark.parametrize("form", [form for form in FORMS if form != "NFD"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lines_are_added_in_the_files_own_form(form: str, encoding: str, tmp_path: Path) -> None:
    before = read(tmp_path, FORMS[form].encode(encoding), "Clips.csv")
    new = {"owl/data/pos/é, ü; 3.wav": "a\tb", 'owl/data/pos/"4".wav': "c"}
    data = before.with_lines(new)
    text = data.decode(encoding if encoding != "utf-8" else "utf-8")
    assert text.startswith(FORMS[form])
    after = read(tmp_path, data, "Clips.csv")
    assert after.groups == {**GROUPS, **new} and not after.faults
    kept = ("columns", "delimiter", "newline", "encoding", "mark")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert before.with_lines({}) == FORMS[form].encode(encoding)


def test_a_letter_that_the_encoding_lacks_makes_the_file_utf_8(tmp_path: Path) -> None:
    found = read(tmp_path, PLAIN.encode("cp1252"))
    data = found.with_lines({"owl/data/pos/鳥.wav": "x"})
    assert data.startswith(codecs.BOM_UTF8)
    assert read(tmp_path, data).groups == {**GROUPS, "owl/data/pos/鳥.wav": "x"}


@pytest.mark.parametrize("name", ["clips.csv", "Clips.CSV"])
def test_a_bucket_is_listed_once_for_it(name: str, bucket_server: BucketServer) -> None:
    for number in range(3):
        bucket_server.put("field-audio", f"audio/owl/data/pos/{number}.wav", b"x")
    bucket_server.put("field-audio", f"audio/{name}", PLAIN.encode("utf-16"))
    bucket_server.requests.clear()
    found = read_clips_csv(open_root("gs://field-audio/audio"))
    assert found is not None and found.groups == GROUPS
    assert len(bucket_server.requests) == 2


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"),
    min_size=1,
    max_size=12,
)
VALUES = (
    st.one_of(TEXT, st.sampled_from(['a "b"', "a,b", "a;b", "a\tb", "a\nb", "sep=;", "ä|ö"]))
    .map(str.strip)
    .filter(bool)
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # What was guarded by hand is read without its guard.
    groups=st.dictionaries(
        VALUES.map(normal_path).map(str.strip).filter(lambda text: unguarded(text) == text != ""),
        VALUES.filter(lambda text: unguarded(text) == text),
        max_size=5,
    ),
    delimiter=st.sampled_from(",;\t|"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(ENCODINGS[:-1]),
    header=st.sampled_from([("file", "group"), ("File", " GROUP "), ("x", "Group", "File")]),
    extra=st.integers(0, 2),
    empty=st.booleans(),
    sep=st.booleans(),
    quoting=st.sampled_from([0, 1]),
)
def test_what_is_written_is_read(
    groups: dict[str, str],
    delimiter: str,
    newline: str,
    encoding: str,
    header: tuple[str, ...],
    extra: int,
    empty: bool,
    sep: bool,
    quoting: Literal[0, 1],
    tmp_path: Path,
) -> None:
    rows = [[*header, *[""] * extra]]
    for file, group in groups.items():
        values = {"file": file, "group": group}
        rows.append([values.get(name.strip().lower(), "") for name in header] + [""] * extra)
        rows += [[""] * (len(header) + extra)] * empty
    text = f"sep={delimiter}{newline}" * sep
    for row in rows:
        line = io.StringIO()
        csv.writer(line, delimiter=delimiter, quoting=quoting).writerow(row)
        text += line.getvalue().removesuffix("\r\n") + newline
    found = read(tmp_path, text.encode(encoding))
    expected = {normal_path(file): group for file, group in groups.items()}
    assert found.groups == expected and not found.faults
    added = {"owl/data/pos/new.wav": "new"}
    again = read(tmp_path, found.with_lines(added))
    assert again.groups == {**expected, **added}
