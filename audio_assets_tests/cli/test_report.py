"""``audio-assets report``: the report as a zip file that can be passed on."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from audio_assets.results.local_paths import LocalPaths
from audio_assets_tests.cli.conftest import Call


@pytest.fixture
def packed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> zipfile.ZipFile:
    """The report of a run with a clip in quarantine and a model without weights."""
    home = tmp_path / "home" / "zoraida"
    home.mkdir(parents=True)
    (tmp_path / "audio/owl/data/pos/broken.wav").write_bytes(b"RIFF")
    for name, value in {
        "HOME": str(home),
        "LOGNAME": "zoraida",
        "AUDIO_ASSETS_AUDIO_ROOT": str(tmp_path / "audio"),
        "AUDIO_ASSETS_RESULTS_ROOT": str(tmp_path / "my results"),
        "AUDIO_ASSETS_CACHE_DIR": str(home / "cache"),
        "AUDIO_ASSETS_MODELS": '["placeholder", "vgg"]',
    }.items():
        monkeypatch.setenv(name, value)
    call("run", "--quiet")
    done = call("report", "--zip", "report.zip")
    assert done.code == 0, done.err
    assert "13 files, without paths of this machine: report.zip" in done.out
    return zipfile.ZipFile("report.zip")


@pytest.mark.slow
def test_a_packed_report_has_all_that_belongs_to_it_and_no_local_path(packed, call, tmp_path):
    files = {name: packed.read(name) for name in packed.namelist()}
    charts = {f"learning_curves/owl.{form}" for form in ("html", "svg", "png", "json", "csv")}
    tables = {"learning_curves.csv", "comparisons.csv", "answers.csv", "quarantine.csv"}
    texts = {"report/index.html", "methods.txt", "citation.txt", "CITATION.cff"}
    assert set(files) == charts | tables | texts
    for name, data in files.items():
        for local in (tmp_path, Path.cwd(), Path.home(), Path(__file__).parents[2], "zoraida"):
            assert str(local).encode() not in data, (name, local)

    # What the paths were in is still there.
    quarantine = pd.read_csv(packed.open("quarantine.csv"))
    assert quarantine["uri"].tolist() == ["AUDIO_ROOT/owl/data/pos/broken.wav"]
    page = files["report/index.html"].decode()
    assert "CACHE_DIR/weights/vgg" in page and "RESULTS_ROOT" in page
    assert 'href="../learning_curves/owl.csv"' in page
    assert files["methods.txt"].startswith(b"Methods\n-------\n\nRecordings, not clips\n")
    assert b"- placeholder: " in files["citation.txt"] and b"Made on " in files["citation.txt"]
    published = Path(tmp_path, "my results", "learning_curves.csv").read_bytes()
    assert files["learning_curves.csv"] == published

    Path("first.zip").write_bytes(Path("report.zip").read_bytes())
    assert call("report", "--zip", "report.zip").code == 0
    assert Path("report.zip").read_bytes() == Path("first.zip").read_bytes()
    assert f"Report: {tmp_path}/my results/report/index.html" in call("report").out
    Path(tmp_path, "my results/learning_curves/owl.svg").unlink()
    said = call("report", "--zip", "report.zip").out
    assert "Not there, and so not in the file: learning_curves/owl.svg." in said


def test_without_a_report_the_error_names_the_file_and_the_command(call: Call) -> None:
    done = call("report", "--zip", "report.zip")
    assert done.code == 1 and "results/report/index.html" in done.err
    assert "audio-assets run" in done.err and not Path("report.zip").exists()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("tried /data/clips/x.wav", "tried AUDIO_ROOT/x.wav"),
        ("file:///data/clips", "file://AUDIO_ROOT"),
        # Part of another path, or of another name.
        ("owl/data/clips and /data/clips2", "owl/data/clips and /data/clips2"),
        ("/data/clips/it&#39;s/a", "INNER/a"),
        (r"/data/clips/it's/a", "INNER/a"),
        ("/scratch/zoraida/tmp", "/scratch/USER/tmp"),
        ("azoraida/zoraida-a and zoraida", "azoraida/zoraida-a and zoraida"),
    ],
)
def test_a_local_path_is_replaced_however_it_is_written(text, expected):
    names = {"/data/clips": "AUDIO_ROOT", "/data/clips/it's/": "INNER", "/": "EVERYTHING"}
    assert LocalPaths(names, "zoraida").replaced(text) == expected


def test_programs_of_a_page_stay_since_their_digests_are_in_its_policy():
    page = (
        '<p>/home/a</p><script>"/home/a"</script><script type="application/json">/home/a</script>'
    )
    assert LocalPaths({"/home/a": "~"}).replaced_in_page(page) == (
        '<p>~</p><script>"/home/a"</script><script type="application/json">~</script>'
    )
