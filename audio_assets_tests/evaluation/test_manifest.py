from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audio_assets.evaluation.splits.manifest import (
    build_manifest,
    empty_manifest,
    plan_from_manifest,
)
from audio_assets.evaluation.splits.plan import NoEvaluation, make_split_plan
from audio_assets.results.validation import validate
from audio_assets.tables import BALANCED_MANIFEST


def inventory(pos: int = 6, neg: int = 6, clips: int = 3) -> pd.DataFrame:
    rows = [
        {
            "clip_id": f"{label}/{recording:02d}-{clip}",
            "variant": variant,
            "label": label,
            "recording_id": f"{label}-{recording}",
            "checksum": f"md5:{variant}{label}{recording:02d}{clip}",
            "status": "ok",
        }
        for variant in ("data", "data_5s")
        for label, count in (("pos", pos), ("neg", neg))
        for recording in range(count)
        for clip in range(clips)
    ]
    return pd.DataFrame(rows)


def build(table: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return build_manifest(
        table, **{"draw": partial(make_split_plan, folds=5), "repeats": 2, "seed": 0} | options
    )


def test_the_manifest_is_the_table_that_is_published() -> None:
    manifest = build(inventory())
    validate(manifest, BALANCED_MANIFEST)
    validate(empty_manifest(), BALANCED_MANIFEST)
    assert len(manifest) == 2 * 2 * 36 * 5
    assert set(manifest["folds"]) == {5}


def test_a_recording_is_in_the_same_fold_in_both_variants() -> None:
    folds = build(inventory()).groupby(["recording_id", "repeat"])["fold"].nunique()
    assert (folds == 1).all()


def test_only_clips_that_are_ok_are_used() -> None:
    table = inventory()
    table.loc[[0, 40], "status"] = ["duplicate", "both_labels"]
    manifest = build(table)
    assert len(manifest) == 2 * (72 - 2) * 5
    used = set(zip(manifest["variant"], manifest["clip_id"], strict=True))
    assert not used & {tuple(table.loc[row, ["variant", "clip_id"]]) for row in (0, 40)}


def test_order_and_names_of_the_inventory_do_not_matter() -> None:
    table = inventory()
    renamed = table.sample(frac=1.0, random_state=1)
    renamed["recording_id"] = renamed["recording_id"].str[::-1]
    columns = ["variant", "clip_id", "repeat", "fold", "held_out_fold", "rank"]
    pd.testing.assert_frame_equal(build(table)[columns], build(renamed)[columns])


def test_the_plan_follows_the_clips_asked_for_and_skips_the_others_in_rank_order() -> None:
    manifest = build(inventory())
    clips = [f"{label}/{r:02d}-{c}" for label in ("pos", "neg") for r in range(6) for c in range(3)]
    firsts = manifest.query(
        "variant == 'data' and repeat == 0 and held_out_fold == 1 and rank == 0"
    )
    unusable = firsts["clip_id"].tolist()
    usable = [clip for clip in reversed(clips) if clip not in unusable]
    plan = plan_from_manifest(manifest, usable, "data")
    assert plan.n_clips == len(clips) - 2 and plan.repeats == 2
    rows = manifest[manifest["held_out_fold"] == 1].set_index(["variant", "repeat", "clip_id"])
    for column, clip in enumerate(usable):
        assert plan.folds[1, column] == rows.loc[("data", 1, clip), "fold"]
        assert plan.keys[column] == rows.loc[("data", 0, clip), "checksum"]
    labels = np.array([clip.startswith("pos") for clip in usable], dtype=int)
    fold = 1
    first = plan.training_clips(labels, 0, fold, 1)
    expected = (
        manifest.query("variant == 'data' and repeat == 0 and fold != @fold")
        .query("held_out_fold == @fold")
        .query("clip_id not in @unusable")
        .sort_values("rank")
        .groupby("label")["clip_id"]
        .first()
    )
    assert {usable[clip] for clip in first} == set(expected)


def test_clips_that_the_manifest_does_not_have_are_refused() -> None:
    manifest = build(inventory())
    with pytest.raises(ValueError, match="no clip 'pos/99-0' in data"):
        plan_from_manifest(manifest, ["pos/00-0", "pos/99-0"], "data")
    with pytest.raises(ValueError, match="twice"):
        plan_from_manifest(manifest, ["pos/00-0", "pos/00-0"], "data")
    with pytest.raises(ValueError, match="every repeat and fold"):
        plan_from_manifest(manifest.drop(index=manifest.index[0]), ["neg/00-0", "pos/00-0"], "data")


def test_an_inventory_without_an_evaluation_says_why() -> None:
    with pytest.raises(NoEvaluation, match="only 1 recording has positive clips"):
        build(inventory(pos=1))
    with pytest.raises(NoEvaluation, match="no usable clips"):
        build(inventory().assign(status="both_labels"))
