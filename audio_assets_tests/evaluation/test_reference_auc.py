import importlib.util
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.splits.manifest import build_manifest, plan_from_manifest
from audio_assets.evaluation.splits.plan import make_split_plan

SCRIPT = Path(__file__).with_name("reference_auc.py")


def reference() -> Any:
    spec = importlib.util.spec_from_file_location("reference_auc", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def published(clips: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Manifest, embeddings and fold scores, with one clip that proved unusable."""
    table = pd.DataFrame(
        {
            "clip_id": [f"clip-{key}" for key in clips.keys],
            "variant": "data",
            "label": np.where(clips.labels == 1, "pos", "neg"),
            "recording_id": clips.recordings,
            "checksum": clips.keys,
            "status": "ok",
            "embedding": list(clips.embeddings.astype(np.float32)),
        }
    )
    manifest = build_manifest(table, draw=partial(make_split_plan, folds=5), repeats=2, seed=1)
    table.loc[table.index[5], ["status", "embedding"]] = ["quarantined", None]
    usable = table[table["status"] == "ok"]
    results = score_folds(
        np.stack(usable["embedding"].tolist()),
        usable["label"] == "pos",
        usable["recording_id"],
        plan_from_manifest(manifest, usable["clip_id"].tolist(), "data"),
        sizes=(4, 16),
        head="logistic",
        class_scores=usable["embedding"].str[0],
    )
    return manifest, table, results.scores


def test_scikit_learn_alone_finds_the_published_values(simulated: Callable[..., Any]) -> None:
    tables = published(simulated(9, 11, dimension=64))
    count, largest = reference().largest_difference(*tables, "data")
    assert count == 30
    assert largest < 1e-12


def test_a_changed_value_or_plan_is_found(simulated: Callable[..., Any]) -> None:
    manifest, embeddings, scores = published(simulated(9, 11, dimension=64))
    wrong = scores.assign(value=scores["value"].where(scores.index != scores.index[-4], 0.123))
    assert reference().largest_difference(manifest, embeddings, wrong, "data")[1] > 0.01
    reranked = manifest.assign(rank=-manifest["rank"])
    assert reference().largest_difference(reranked, embeddings, scores, "data")[1] > 0.01


def test_the_script_reads_parquet_and_knows_nothing_of_the_package(
    simulated: Callable[..., Any], tmp_path: Path
) -> None:
    paths = []
    for name, table in zip("abc", published(simulated(9, 11)), strict=True):
        paths.append(str(tmp_path / f"{name}.parquet"))
        table.to_parquet(paths[-1])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *paths, "data"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("30 values, largest difference ")
    text = SCRIPT.read_text()
    assert "import audio_assets" not in text and "from audio_assets" not in text
    assert len(text.splitlines()) <= 60
