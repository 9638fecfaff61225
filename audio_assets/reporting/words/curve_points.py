"""The points of a chart, read from the rows of a learning curve and checked while reading."""

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
        Method behind the interval, as in the table's column `ci_method`.
    status
        `ok`, or the reason for a missing interval; a warning follows `ok: `.
    folds, repeats, distinct_folds
        Counts of the evaluation; None where the protocol has none.
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
        """Warning that follows `ok` in the status; empty without one."""
        head, _, rest = self.status.partition(":")
        return rest.strip().removeprefix("warning:").strip() if head == "ok" else ""


def curve_points(curve: pd.DataFrame, species: str, metric: str) -> list[CurvePoint]:
    """Return a species' points in order of model and size, skipping rows without a mean.

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
    """Return the reason for each model that has rows but no point: model -> reason."""
    rows = curve[(curve["species"] == species) & (curve["metric"] == metric)]
    drawn = set(rows.loc[rows["mean"].notna(), "model"])
    empty = rows[~rows["model"].isin(drawn)].sort_values("model")
    return dict(zip(empty["model"], empty["ci_status"], strict=True))


def sizes_without_points(
    curve: pd.DataFrame, species: str, metric: str
) -> dict[str, dict[int, str]]:
    """Return the training sizes that have a row but no mean: model -> size -> reason."""
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
