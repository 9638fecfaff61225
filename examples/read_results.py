"""Read what a run published: the best model of each species, another head, and a chart.

Run it on a results root, a folder or a gs:// prefix:

    python examples/read_results.py my-results --chart curves.png

It needs only the public calls of ``audio_assets``, so the cells of a notebook can do the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from audio_assets import evaluate, load_embeddings, load_learning_curves


def best_models(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the ROC-AUC of each species' best model at its largest size, one row per species."""
    auc = curves[(curves["metric"] == "roc_auc") & curves["mean"].notna()]
    largest = auc.sort_values("training_size").groupby(["species", "model"]).tail(1)
    best = largest.sort_values("mean").groupby("species").tail(1).sort_values("species")
    return best[["species", "model", "training_size", "mean", "ci_low", "ci_high", "ci_status"]]


def with_head(root: str, model: str, species: str, head: str) -> pd.DataFrame:
    """Evaluate another head on the published embeddings; nothing is embedded again."""
    clips = load_embeddings(root, model, species)
    clips = clips[clips["status"] == "ok"]
    return evaluate(
        np.stack(clips["embedding"]),
        clips["label"],
        clips["recording_id"],
        keys=clips["clip_id"],
        sizes=(4, 8, 16, 32),
        head=head,
    )


def draw(curves: pd.DataFrame, path: Path) -> None:
    """Draw one panel per species and one line per model, with intervals as bands; PNG or SVG."""
    import altair as alt

    auc = curves[curves["metric"] == "roc_auc"]
    base = alt.Chart(auc).encode(
        x=alt.X("training_size:Q", title="training clips per class"),
        color=alt.Color("model:N"),
    )
    lines = base.mark_line(point=True).encode(
        y=alt.Y("mean:Q", title="ROC-AUC", scale=alt.Scale(zero=False))
    )
    bands = base.mark_area(opacity=0.15).encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q")
    alt.layer(bands, lines).facet("species:N").save(path)


def main() -> None:
    """Print, and draw if asked."""
    parser = argparse.ArgumentParser(description="Read what a run published.")
    parser.add_argument("results", help="results root: a folder or a gs:// prefix")
    parser.add_argument("--head", default="svm", help="head to compare the best model's with")
    parser.add_argument("--chart", type=Path, help="also draw the curves, as PNG or SVG")
    given = parser.parse_args()

    curves = load_learning_curves(given.results)
    best = best_models(curves)
    print(best.to_string(index=False, float_format="{:.3f}".format))
    for row in best.itertuples():
        curve = with_head(given.results, str(row.model), str(row.species), given.head)
        auc = curve[curve["metric"] == "roc_auc"].iloc[-1]
        print(
            f"{row.species}: {row.model} with the head {given.head} instead: {auc['mean']:.3f} "
            f"({auc['ci_low']:.3f} to {auc['ci_high']:.3f}) at {auc['training_size']} clips"
        )
    if given.chart:
        draw(curves, given.chart)
        print(f"Chart: {given.chart}")


if __name__ == "__main__":
    main()
