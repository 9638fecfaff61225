"""The interface of an evaluation protocol: making test sets, and everything that depends on them.

:mod:`audio_assets.evaluation.intervals.protocols` finds a protocol by its name. No other code
distinguishes protocols.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from audio_assets.evaluation.intervals.fold_means import Estimate
from audio_assets.evaluation.splits.manifest import Planner
from audio_assets.evaluation.splits.recordings import RecordingCounts

if TYPE_CHECKING:
    import pandas as pd


class Estimates(ABC):
    """Estimates of the means of one model on one species."""

    @abstractmethod
    def at_size(self, scores: pd.DataFrame) -> Callable[[pd.DataFrame], Estimate]:
        """Estimate a metric at one training size.

        Parameters
        ----------
        scores
            Fold scores of the size, of all metrics, sorted by repeat and fold.

        Returns
        -------
        callable
            Maps the rows of a metric to the estimate of its mean.
        """


class Differences(ABC):
    """Paired differences between models on one species."""

    @abstractmethod
    def at_size(
        self, model_a: str, model_b: str, pairs: pd.DataFrame
    ) -> Callable[[pd.DataFrame], dict[str, object]]:
        """Compare two models at one training size.

        Parameters
        ----------
        pairs
            Fold scores of the size, of all metrics, with the values of both models.

        Returns
        -------
        callable
            Maps the rows of a metric to the columns of its difference.
        """


class EvaluationProtocol(ABC):
    """A way to make test sets, with the plan, estimates and differences that follow from it.

    Attributes
    ----------
    name
        As in settings and tables.
    recording
        The words for a tested recording.
    has_folds
        Whether all recordings are tested, in K folds.
    more_recordings
        Setting that makes more of the recordings tested; empty if all are.
    """

    name: str
    recording: str
    has_folds: bool
    more_recordings: str = ""

    @abstractmethod
    def planner(self, *, folds: int, per_class: int) -> Planner:
        """The function that draws the plan.

        Parameters
        ----------
        folds
            K, where test sets are folds.
        per_class
            Number of test clips per class that is enough, where there is one test set.
        """

    @abstractmethod
    def least_recordings(self, counts: RecordingCounts) -> int:
        """Recordings that each class needs, given the recordings at hand."""

    @abstractmethod
    def why_no_plan(self, counts: RecordingCounts) -> str:
        """Say in words why these recordings allow no plan."""

    @abstractmethod
    def describe(
        self, manifest: pd.DataFrame, per_class: int
    ) -> tuple[dict[str, int | str], tuple[str, ...]]:
        """Counts of a manifest to show, and where its test sets are smaller than requested."""

    @abstractmethod
    def why_no_bootstrap(self) -> str:
        """Say why intervals cannot be made from resampled recordings; empty if they can."""

    @abstractmethod
    def estimates(
        self,
        predictions: pd.DataFrame,
        *,
        recordings: RecordingCounts,
        ci_level: float,
        n_folds: int,
        seed: int,
        draws: pd.DataFrame | None,
    ) -> Estimates:
        """Prepare the estimates of a model.

        Parameters
        ----------
        predictions
            Out-of-fold predictions.
        recordings
            Recordings among all clips that were tested.
        draws
            Scores on resampled recordings, if intervals are to be made from them.
        """

    @abstractmethod
    def differences(
        self, predictions: Mapping[str, pd.DataFrame], *, ci_level: float, seed: int
    ) -> Differences:
        """Prepare the comparison of models.

        Parameters
        ----------
        predictions
            Out-of-fold predictions by model.
        """
