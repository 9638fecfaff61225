"""Made-up results in the shape of a real run, for charts and reports to be tested on."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from audio_assets.reporting.charts.clip_preview import clip_preview
from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.page.copies import Copies
from audio_assets.tables import (
    ANSWER,
    CALIBRATION,
    EMBEDDING_MAP,
    FINDINGS,
    HARD_CLIPS,
    LEARNING_CURVE,
    MODEL_COMPARISON,
    QUARANTINE,
)

SEVEN = {
    "birdnet": "BirdNET 2.4",
    "perch": "Perch 8",
    "vgg": "VGG16",
    "mobilenet": "MobileNetV2",
    "resnet": "ResNet50",
    "random_forest": "MFCC + random forest",
    "svm": "MFCC + SVM",
}
THREE = {name: SEVEN[name] for name in ("birdnet", "random_forest", "svm")}

NO_INTERVAL = "fewer than 5 recordings of a class: 3 positive, 12 negative"

# Where a curve ends, how fast it gets there, and the untrained point.
SHAPES = {
    "birdnet": (0.985, 0.09, 0.941),
    "perch": (0.981, 0.11, 0.902),
    "vgg": (0.87, 0.24, None),
    "mobilenet": (0.892, 0.21, None),
    "resnet": (0.866, 0.26, None),
    "random_forest": (0.84, 0.2, None),
    "svm": (0.862, 0.24, None),
}


def curve_row(species: str, model: str, size: int | None, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "species": species,
        "model": model,
        "training_size": size,
        "metric": "roc_auc",
        "mean": 0.9,
        "ci_low": 0.85,
        "ci_high": 0.94,
        "ci_level": 0.95,
        "ci_method": "recording_t",
        "ci_status": "ok",
        "folds": 5,
        "repeats": 5,
        "distinct_folds": 25,
        "recordings_pos": float(min(size or 0, 34)),
        "recordings_neg": float(min(size or 0, 51)),
        "test_prevalence": 0.42,
        "head": "logistic",
        "protocol": "cv",
        "seed": 0,
        "encoder": model,
        "encoder_fingerprint": "ab" * 32,
        "code_version": "1",
    }
    assert not set(changes) - set(row), set(changes) - set(row)
    return row | changes


def curve_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(LEARNING_CURVE.column_names))
    whole = ["training_size", "folds", "repeats", "distinct_folds"]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def model_curve(
    species: str,
    model: str,
    sizes: Sequence[int] = (4, 8, 16, 32, 64, 107),
    *,
    end: float | None = None,
    bounded: bool = True,
) -> list[dict[str, Any]]:
    """A curve that rises like a real one; with ``end`` = 1.0 it sits at the ceiling."""
    final, drop, untrained = SHAPES.get(model, (0.88, 0.2, None))
    final = end if end is not None else final
    drop = 0.01 if end is not None else drop
    rows = []
    for size in (0, *sizes) if untrained is not None else sizes:
        mean = untrained if size == 0 else final - drop * (4 / size) ** 0.8
        assert mean is not None
        mean = min(mean if end is None or size else end - 0.004, 1.0)
        wide = 0.55 if size else 0.3
        logit = math.log(mean / (1 - mean)) if mean < 1 else 8.0
        rows.append(
            curve_row(
                species,
                model,
                size,
                mean=mean,
                ci_low=1 / (1 + math.exp(-logit + wide)) if bounded else None,
                ci_high=min(1.0, 1 / (1 + math.exp(-logit - wide))) if bounded else None,
                ci_status="ok" if bounded else NO_INTERVAL,
                **({} if bounded else {"folds": 3, "distinct_folds": 3, "recordings_pos": 2.0}),
            )
        )
    return rows


def fake_curves() -> pd.DataFrame:
    """Four species: ordinary, near 1.0, three recordings only, and without any evaluation."""
    rows: list[dict[str, Any]] = []
    for model in THREE:
        rows += model_curve("coyote", model)
        rows += model_curve("bullfrog", model, (4, 8, 16, 32, 64, 128, 256, 300), end=0.997)
        rows += model_curve("bobwhite", model, (4, 8, 13), bounded=False)
        rows.append(
            curve_row(
                "engine",
                model,
                None,
                mean=None,
                ci_low=None,
                ci_high=None,
                folds=None,
                repeats=None,
                distinct_folds=None,
                recordings_pos=None,
                recordings_neg=None,
                test_prevalence=None,
                ci_status="no negative clips",
            )
        )
    return curve_frame(rows)


def comparison_row(species: str, kind: str, model_a: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(MODEL_COMPARISON.column_names)
    row |= {
        "species": species,
        "kind": kind,
        "model_a": model_a,
        "metric": "roc_auc",
        "ci_level": 0.95,
        "status": "ok",
    }
    assert not set(changes) - set(row), set(changes) - set(row)
    return row | changes


def needed_row(
    species: str,
    model: str,
    size: int | None,
    largest: int,
    *,
    low: int | None = None,
    high: int | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A row of clips needed whose range starts and ends at the size needed, unless given."""
    return comparison_row(
        species,
        "clips_needed",
        model,
        training_size=size,
        target=0.95,
        needed_low=low or size,
        needed_high=high or size,
        largest_size=largest,
        status=f"not reached with n = {largest}" if size is None else "ok",
        **changes,
    )


def fake_comparisons() -> pd.DataFrame:
    needed = "clips_needed"
    rows = [
        needed_row("coyote", "birdnet", 64, 107, low=16),
        needed_row("coyote", "random_forest", None, 107),
        needed_row("coyote", "svm", None, 107),
        *(needed_row("bullfrog", model, 4, 300) for model in THREE),
    ]
    for model in THREE:
        status = f"not estimated: {NO_INTERVAL}"
        rows.append(
            comparison_row("bobwhite", needed, model, target=0.95, status=status, largest_size=13)
        )
    for size in (4, 107):
        for a, b, gap in (
            ("birdnet", "random_forest", 0.14),
            ("birdnet", "svm", 0.12),
            ("random_forest", "svm", -0.02),
        ):
            rows.append(
                comparison_row(
                    "coyote",
                    "difference",
                    a,
                    model_b=b,
                    training_size=size,
                    difference=gap,
                    ci_low=gap - 0.05,
                    ci_high=gap + 0.05,
                    p_value=0.0004 if gap > 0.1 else 0.41,
                    p_holm=0.0012 if gap > 0.1 else 0.41,
                    distinct_folds=25,
                )
            )
    frame = pd.DataFrame(rows, columns=list(MODEL_COMPARISON.column_names))
    return whole_numbers(frame)


def whole_numbers(comparisons: pd.DataFrame) -> pd.DataFrame:
    names = [c.name for c in MODEL_COMPARISON.columns if c.dtype == "int64"]
    return comparisons.astype(dict.fromkeys(names, "Int64"))


def fake_quarantine(names: Sequence[str] = ("coyote-pos-t-11031961_122_9sec_1_a",)) -> pd.DataFrame:
    rows = [
        {
            "species": "coyote",
            "variant": "data",
            "label": "pos",
            "clip_id": f"pos/{name}",
            "uri": f"/audio/coyote/data/pos/{name}.wav",
            "size": 44,
            "checksum": "md5:d41d8cd98f00b204e9800998ecf8427e",
            "reason": "no_samples",
            "detail": "44 bytes of header and 0 samples",
        }
        for name in names
    ]
    return pd.DataFrame(rows, columns=list(QUARANTINE.column_names))


def finding_row(kind: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(FINDINGS.column_names)
    row |= {"species": "coyote", "kind": kind, "warning": False, "status": "ok"}
    assert not set(changes) - set(row), set(changes) - set(row)
    return row | changes


def findings_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(FINDINGS.column_names))
    numbers = dict.fromkeys(["value", "auc", "share", "ci_low", "ci_high"], "float64")
    whole = dict.fromkeys(["count", "clips", "of_clips"], "Int64")
    return frame.astype({**numbers, **whole, "warning": "bool"})


def calibration_frame(rows: Sequence[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Rows of species, model, predicted and observed: bins of equal weight of one model."""
    bins = [
        {"species": species, "model": model, "training_size": 107, "bin": number}
        | {"predicted": predicted, "observed": observed, "weight": 1 / len(rows)}
        | {"clips": 12, "recordings": 7, "floor": 0.06, "floor_high": 0.09}
        for number, (species, model, predicted, observed) in enumerate(rows)
    ]
    return pd.DataFrame(bins, columns=list(CALIBRATION.column_names))


def hard_clip(label: str, place: int, **changes: Any) -> dict[str, Any]:
    """A row of hard_clips about coyote's best model."""
    row = {
        "species": "coyote",
        "model": "birdnet",
        "training_size": 107,
        "label": label,
        "place": place,
        "clip_id": f"{label}/clip-{place}",
        "variant": "data",
        "recording_id": f"{label}-recording",
        "score": 0.125,
        "is_probability": True,
        "misranked": 0.25,
        "seconds": 2.0,
        **dict(zip(("picture", "sound"), fake_preview(), strict=True)),
        "fault": None,
        "encoder_fingerprint": "ab" * 32,
        "split_plan": "plan",
        "code_version": "1",
    }
    assert not set(changes) - set(row), set(changes) - set(row)
    return row | changes


@cache
def fake_preview() -> tuple[bytes, bytes]:
    """Picture and sound of a rising tone of 2 s."""
    seconds = np.arange(2 * 24_000) / 24_000
    tone = np.sin(2 * np.pi * (400 + 900 * seconds) * seconds).astype(np.float32)
    made = clip_preview(tone, 24_000)
    return made.picture, made.sound


def hard_clips_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(HARD_CLIPS.column_names))


def fake_hard_clips() -> pd.DataFrame:
    return hard_clips_frame(
        [hard_clip(label, place) for label in ("neg", "pos") for place in range(3)]
    )


def fake_map(
    species: str = "coyote", recordings: int = 8, clips: int = 3, **changes: Any
) -> pd.DataFrame:
    """Rows of embedding_map of a species: labels apart, and clips of a recording together."""
    rng = np.random.default_rng(0)
    rows = []
    for label, x in (("neg", -0.2), ("pos", 0.2)):
        for recording in range(recordings):
            middle = rng.normal((x, 0), 0.1)
            source = f"t-1103{recording:04d}_{'pn'.index(label[0])}"
            for letter in "abcdefgh"[:clips]:
                at = (middle + rng.normal(0, 0.02, 2)).round(6)
                row = {
                    "species": species,
                    "model": "birdnet",
                    "training_size": 107,
                    "clip_id": f"{label}/{species}-{label}-{source}_9sec_1_{letter}",
                    "variant": "data",
                    "label": label,
                    "recording_id": source,
                    "x": at[0],
                    "y": at[1],
                    "variance_x": 0.31,
                    "variance_y": 0.12,
                    "encoder_fingerprint": "ab" * 32,
                    "split_plan": "plan",
                    "code_version": "1",
                }
                assert not set(changes) - set(row), set(changes) - set(row)
                rows.append(row | changes)
    return pd.DataFrame(rows, columns=list(EMBEDDING_MAP.column_names))


@cache
def fake_charts() -> tuple[tuple[str, str], ...]:
    """Made once: drawing a chart takes most of a report's time."""
    curves = fake_curves()
    return tuple(
        (name, learning_curve_chart(curves, species=name, models=THREE).to_json())
        for name in ("bobwhite", "bullfrog", "coyote", "engine")
    )


def answer_row(species: str, **changes: Any) -> dict[str, Any]:
    """A row of answer: a model that is proven to reach the target."""
    row: dict[str, Any] = dict.fromkeys(ANSWER.column_names) | {
        "species": species,
        "model": "birdnet",
        "chosen_for": "highest AUC",
        "at": 64,
        "auc": 0.975,
        "ci_low": 0.957,
        "ci_high": 0.986,
        "enough_at": 64,
        "largest_size": 107,
        "gain_status": "ok",
        "margin": 0.01,
        "target": 0.95,
        "proven": True,
        "proof_status": "proven",
        "limited_by": "nothing",
        "next": "use it",
        "status": "ok",
    }
    assert not set(changes) - set(row), set(changes) - set(row)
    return row | changes


def answers_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(ANSWER.column_names))
    whole = [column.name for column in ANSWER.columns if column.dtype == "int64"]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def fake_answers() -> pd.DataFrame:
    """Answers about two species: a model for one, and none for the other."""
    nothing = dict.fromkeys(("model", "chosen_for", "at", "auc", "ci_low", "ci_high", "enough_at"))
    none = nothing | {"proven": False, "status": "no model has an interval"}
    return answers_frame(
        [
            answer_row("coyote", tied="random_forest", tied_doubt=0.0111),
            answer_row("bobwhite", **none, next="label clips of 2 more recordings"),
        ]
    )


_TABLES = {
    "answers": ANSWER,
    "comparisons": MODEL_COMPARISON,
    "findings": FINDINGS,
    "calibration": CALIBRATION,
    "hard_clips": HARD_CLIPS,
    "embedding_maps": EMBEDDING_MAP,
}


def fake_report(**changes: Any) -> ReportContent:
    curves = fake_curves()
    content: dict[str, Any] = {
        "curves": curves,
        "comparisons": fake_comparisons(),
        "answers": answers_frame([]),
        "quarantine": fake_quarantine(),
        "findings": findings_frame([]),
        "calibration": calibration_frame([]),
        "hard_clips": fake_hard_clips(),
        "embedding_maps": fake_map(),
        "charts": dict(fake_charts()),
        "notice": "This audio is synthetic: the numbers say nothing about any species.",
        "recording_rules": pd.DataFrame(
            [("coyote", r"(?:pos|neg)-(?P<recording>.+?)_\d+sec", 214), ("coyote", "stem", 3)],
            columns=["species", "rule", "clips"],
        ),
        "class_labels": {"coyote": {"birdnet": ["Canis latrans_Coyote"]}},
        "left_out": {"perch": "The weights of perch are missing.\nFetch them first."},
        "missing": [("human_vocal", "svm", "failed or not run")],
        "settings": {"folds": 5, "training_sizes": (0, 4, 8), "species": None},
        "provenance": {"fingerprint of birdnet": "ab" * 32},
        "models": SEVEN,
        "copies": Copies("birdnet", 0.97),
        "unchecked": [],
        "losses": {},
        "made": "",
        "chart_files": {},
    }
    assert not set(changes) - set(content), set(changes) - set(content)
    content |= changes
    tables = {table.name: content.pop(name) for name, table in _TABLES.items()}
    return ReportContent(tables=tables, **content)
