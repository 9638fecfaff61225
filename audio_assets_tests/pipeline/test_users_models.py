"""A user's package brings a model of its own, through an entry point alone, as docs/ says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets_tests.test_docs import blocks

(PYPROJECT,) = blocks("extending.md", "toml")
MODULE = blocks("extending.md", "python")[0]

RUN = """
import json, sys
from pathlib import Path
from audio_assets import load_learning_curves
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import write_species

with new_place(Path(sys.argv[1])) as place:
    write_species(place.audio, "owl", recordings=4)
    models = ("placeholder", "loudness")
    summary = place.run("owl", models=models, training_sizes=(4,), folds=2, repeats=1)
    curves = load_learning_curves(place.results.root)
    chart = place.results.chart("owl", "svg").read_text()
auc = curves[(curves["metric"] == "roc_auc") & (curves["model"] == "loudness")]["mean"]
print(json.dumps([summary.failures, float(auc.iloc[0]), "Loudness of eight bands" in chart]))
"""


def install(source: Path, target: Path, module: str) -> None:
    """Build and install the user's package offline, as pip does it."""
    source.mkdir()
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "owl_models.py").write_text(module)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def python(code: str, target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own that sees the installed package."""
    paths = [str(target), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_users_model_runs_through_the_whole_pipeline(tmp_path: Path) -> None:
    install(tmp_path / "source", tmp_path / "target", MODULE)
    done = python(RUN, tmp_path / "target", str(tmp_path / "place"))
    assert done.returncode == 0, done.stderr
    failures, auc, on_the_chart = json.loads(done.stdout.splitlines()[-1])
    assert failures == {}
    # The positive clips are tones on noise: eight band energies tell them apart.
    assert auc > 0.7
    assert on_the_chart


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("LOUDNESS = 'not a registration'", "str, not a ModelRegistration"),
        (MODULE.replace('"logistic", "data"', '"logistic", "data_9s"'), "data_9s"),
        (
            MODULE.replace('"logistic", "data"', '"logistik", "data"'),
            "'logistik', which is not a head",
        ),
        ("import a_module_that_is_not_there", "a_module_that_is_not_there"),
    ],
    ids=["type", "variant", "head", "import"],
)
def test_a_bad_registration_is_an_error_that_names_the_package(
    module: str, why: str, tmp_path: Path
) -> None:
    install(tmp_path / "source", tmp_path / "target", module)
    code = "import sys; sys.argv = ['audio-assets', 'settings']; "
    code += "from audio_assets.cli import main; main()"
    done = python(code, tmp_path / "target")
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 2, done.stderr
    assert "owl-models" in lines[0] and why in lines[0]
    assert "uninstall the package" in lines[1]
