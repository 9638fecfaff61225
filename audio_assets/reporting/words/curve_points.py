"""The points of a chart, read from the rows of a learning curve and checked on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.words.wording import is_missing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CurvePoint:
    """One mean with its interval, if it has one.

    Attributes
    ----------
    size
        Training clips per class; 0 is the encoder's own class score.
    mean, low, high
        The metric and the ends of its interval; both ends are None without an interval.
    level
        Nominal coverage of the interval.
    method
        How the interval was made, as `ci_method` of the table.
    status
        `ok`, or why there is no interval; a warning follows `ok: `.
    folds, repeats, distinct_folds
        Of the evaluation; None where the protocol has none.
    recordings_pos, recordings_neg
        Median of distinct training recordings.
    """

    model: str
    size: int
    mean: float
    low: float | None
    high: float | None
    level: float
    method: str
    status: str
    protocol: str
    folds: int | None
    repeats: int | None
    distinct_folds: int | None
    recordings_pos: float | None
    recordings_neg: float | None

    @property
    def warning(self) -> str:
        """What the status adds to `ok`; empty without a warning."""
        head, _, rest = self.status.partition(":")
        return rest.strip().removeprefix("warning:").strip() if head == "ok" else ""


def curve_points(curve: pd.DataFrame, species: str, metric: str) -> list[CurvePoint]:
    """Points of a species in order of model and size; rows without a mean are no points.

    Parameters
    ----------
    curve
        Rows of :data:`audio_assets.tables.LEARNING_CURVE`.

    Raises
    ------
    ValueError
        Two rows for one model and size, or an interval with one end.
    """
    rows = curve[(curve["species"] == species) & (curve["metric"] == metric)]
    points = [_point(row) for row in rows.to_dict("records") if not is_missing(row["mean"])]
    points.sort(key=lambda point: (point.model, point.size))
    for before, after in zip(points, points[1:], strict=False):
        if (before.model, before.size) == (after.model, after.size):
            raise ValueError(f"{species}: two rows for {after.model} at size {after.size}")
    return points


def reasons_without_points(curve: pd.DataFrame, species: str, metric: str) -> dict[str, str]:
    """Why a model has rows but no point: model -> reason."""
    rows = curve[(curve["species"] == species) & (curve["metric"] == metric)]
    drawn = set(rows.loc[rows["mean"].notna(), "model"])
    empty = rows[~rows["model"].isin(drawn)].sort_values("model")
    return dict(zip(empty["model"], empty["ci_status"], strict=True))


def sizes_without_points(
    curve: pd.DataFrame, species: str, metric: str
) -> dict[str, dict[int, str]]:
    """Training sizes that have a row but no mean: model -> size -> reason."""
    rows = curve[(curve["species"] == species) & (curve["metric"] == metric)]
    rows = rows[rows["mean"].isna() & (rows["training_size"].fillna(0) >= 1)]
    found: dict[str, dict[int, str]] = {}
    for row in rows.sort_values("training_size").to_dict("records"):
        of_model = found.setdefault(str(row["model"]), {})
        of_model[int(row["training_size"])] = str(row["ci_status"])
    return found


def _point(row: dict[Any, Any]) -> CurvePoint:
    low, high = _number(row["ci_low"]), _number(row["ci_high"])
    if (low is None) != (high is None):
        raise ValueError(f"{row['species']}, {row['model']}: an interval with one end")
    return CurvePoint(
        model=str(row["model"]),
        size=int(row["training_size"]),
        mean=float(row["mean"]),
        low=low,
        high=high,
        level=float(row["ci_level"]),
        method=str(row["ci_method"]),
        status=str(row["ci_status"]),
        protocol=str(row["protocol"]),
        folds=_whole(row["folds"]),
        repeats=_whole(row["repeats"]),
        distinct_folds=_whole(row["distinct_folds"]),
        recordings_pos=_number(row["recordings_pos"]),
        recordings_neg=_number(row["recordings_neg"]),
    )


def _number(value: Any) -> float | None:
    return None if is_missing(value) else float(value)


def _whole(value: Any) -> int | None:
    return None if is_missing(value) else int(value)
