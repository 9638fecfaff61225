"""The pages under ``docs/`` say what the code does: their recipes run and their messages exist."""

import importlib.util
import pkgutil
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

import audio_assets
from audio_assets import evaluate
from audio_assets.cli.app import EXIT_CODES
from audio_assets.embeddings.batching import EncoderPool
from audio_assets.errors import MissingWeightsError, WeightsError
from audio_assets.evaluation import api
from audio_assets.models import heads, registry
from audio_assets.weights.places import WeightPlaces
from audio_assets_tests.evaluation.conftest import simulate

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """The code of a page in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.S)


def test_the_page_of_the_settings_is_the_one_that_the_class_gives():
    spec = importlib.util.spec_from_file_location("settings_page", DOCS / "settings_page.py")
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "settings.md").read_text() == module.page(), "python docs/settings_page.py"


def test_every_message_that_is_explained_is_one_that_the_code_says():
    rows = re.findall(r"^\| (`.*?) \|", (DOCS / "troubleshooting.md").read_text(), re.M)
    messages = [row.strip("`") for row in rows]
    assert len(messages) >= 10
    sources = [path.read_text() for path in Path(audio_assets.__file__).parent.rglob("*.py")]
    # Texts that are written in several lines as one.
    code = re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources))
    assert not [message for message in messages if message not in code]


def test_the_recipe_for_a_head_makes_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = blocks("extending.md", "python")[-1]
    names: dict[str, Any] = {"Any": Any, "StandardisedHead": heads.StandardisedHead}
    exec(recipe, names)
    more = {**heads.HEADS, "nearest_neighbours": names["HEAD"]}
    for module in (heads, api):
        monkeypatch.setattr(module, "HEADS", more)
    clips = simulate(8, 8, shift=6.0)
    curve = evaluate(
        clips.embeddings, clips.labels, clips.recordings, sizes=(4,), head="nearest_neighbours"
    )
    auc = curve[curve["metric"] == "roc_auc"]
    assert set(curve["head"]) == {"nearest_neighbours"}
    assert auc["mean"].iloc[-1] > 0.8


def test_the_recipe_for_weights_makes_an_encoder_that_needs_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("owl_bands")
    exec(blocks("extending.md", "python")[1], vars(module))
    monkeypatch.setitem(sys.modules, "owl_bands", module)
    declared = module.BANDS
    monkeypatch.setitem(registry._registry().models, "bands", declared.model)
    monkeypatch.setitem(registry._registry().encoders, "bands", declared.encoder)
    places = WeightPlaces(str(tmp_path))
    with pytest.raises(MissingWeightsError, match=f"the owl lab.* into {tmp_path}/bands"):
        registry.load_encoder("bands", places)
    (tmp_path / "bands").mkdir()
    (recipe,) = re.findall(r"`np\.save\((.*?)\)`,", (DOCS / "extending.md").read_text(), re.S)
    name, matrix = recipe.split(", ", 1)
    np.save(tmp_path / "bands" / name.strip('"'), eval(matrix, {"np": np}))
    encoder = registry.load_encoder("bands", places)
    noise = np.random.default_rng(0).normal(size=(3, 4000)).astype(np.float32)
    assert EncoderPool(lambda: encoder).encode(noise).embeddings.shape == (3, 8)
    np.save(tmp_path / "bands" / "bands.npy", np.ones((2000, 8)))
    with pytest.raises(WeightsError, match="bands.npy is damaged or a different file"):
        registry.load_encoder("bands", places)


def test_what_exit_codes_mean_is_said_as_in_the_help() -> None:
    found = re.search(r"; 1 (.*?); 2 .*? left out (\(.*?\))", EXIT_CODES)
    assert found
    said = " ".join((DOCS / "command-line.md").read_text().replace("`", "").split())
    for part in found.groups():
        assert part in said


PAGES = [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md", DOCS.parent / "deploy/README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS.parent).as_posix())
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text)
    assert not [name for name in linked if not (page.parent / name).exists()]
    named = re.findall(r"(?<![\w/])((?:docs|deploy|benchmarks|examples)/[\w./-]+\.\w+)", text)
    named += [f"benchmarks/{name}.py" for name in re.findall(r"-m benchmarks\.(\w+)", text)]
    written_by_users = {"deploy/compose/.env", "deploy/compose/settings.env"}
    assert not [name for name in {*named} - written_by_users if not (DOCS.parent / name).exists()]


def test_the_readme_is_short_and_each_page_has_one_subject() -> None:
    sizes = {page: page.stat().st_size for page in PAGES}
    assert sizes.pop(DOCS.parent / "README.md") <= 10_000
    sizes.pop(DOCS / "coverage.md")  # Tables of simulations.
    assert not {page.name for page, size in sizes.items() if size > 15_000}


def citation_fields() -> dict[str, Any]:
    fields = yaml.safe_load((DOCS.parent / "CITATION.cff").read_text())
    assert isinstance(fields, dict)
    return fields


def test_the_citation_is_of_the_format_of_citation_files() -> None:
    citation = citation_fields()
    # What the schema of version 1.2.0 demands of a file; it forbids every other key.
    known = """abstract authors cff-version commit contact date-released doi identifiers keywords
        license license-url message preferred-citation references repository repository-artifact
        repository-code title type url version"""
    assert {"authors", "cff-version", "message", "title"} <= set(citation) <= set(known.split())
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert citation["authors"] == [{"name": "The audio-assets developers"}]
    texts = [citation[key] for key in ("message", "title", "abstract", "license", "version")]
    assert all(isinstance(text, str) and text for text in [*texts, *citation["keywords"]])
    assert len(set(citation["keywords"])) == len(citation["keywords"])


def test_the_citation_names_the_version_of_the_package() -> None:
    citation = citation_fields()
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
    assert {key: citation[key] for key in ("title", "version", "license")} == {
        "title": project["name"],
        "version": project["version"],
        "license": project["license"],
    }


def test_what_docstrings_refer_to_is_there() -> None:
    role = re.compile(r":(?:mod|func|class|data|meth|attr|exc):`[~.]?(audio_assets[\w.]*)`")
    package = Path(audio_assets.__file__).parent
    named = {
        (path.relative_to(package).as_posix(), name)
        for path in package.rglob("*.py")
        for name in role.findall(path.read_text())
    }
    assert len(named) > 50
    assert not {(path, name) for path, name in named if not is_there(name)}


def is_there(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
