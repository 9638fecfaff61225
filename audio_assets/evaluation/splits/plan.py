"""The split plan: the fold in which a recording is tested, and the order of the training clips.

Assigning recordings to folds and drawing the training orders belong here; drawing a fixed test set
belongs in :mod:`audio_assets.evaluation.splits.holdout`, the table form of a plan in
:mod:`audio_assets.evaluation.splits.manifest`, training and scoring in
:mod:`audio_assets.evaluation.scores.grid`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.splits.arguments import label_array, seed_number, whole_number
from audio_assets.evaluation.splits.recordings import NoEvaluation as NoEvaluation
from audio_assets.evaluation.splits.recordings import RecordingCounts, check_no_leak
from audio_assets.evaluation.splits.seeds import Purpose, generator
from audio_assets.evaluation.splits.strata import Strata, columns, make_strata
from audio_assets.tables import VARIANTS

MAX_REDRAWS = 20

NEVER_TESTED = -1
"""Fold of a clip that is in no test set; under holdout such a clip may be trained on."""


@dataclass(frozen=True, eq=False)
class SplitPlan:
    """Folds and draw orders of n clips over R repeats.

    Attributes
    ----------
    folds
        int[R, n], the fold in which a clip is tested. Under holdout a repeat is a training draw:
        the test set is fold 0 in each, and all other clips are ``NEVER_TESTED``.
    ranks
        int[R, K, n], place of a clip, from 0, in the draw order of its class for the training of
        fold k in repeat r. Each fold has its own order: with one order per repeat, two folds
        share 66 % (K = 5) to 82 % (K = 10) of their training clips at n = 4, so that K R fits
        carry little more information than R do, and the interval undercovers.
    n_folds
        K, the number of folds of a repeat; 1 under holdout.
    keys
        str[n], name or content hash of each clip: the canonical order that results depend on.
    """

    folds: NDArray[np.int64]
    ranks: NDArray[np.int64]
    n_folds: int
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.folds.ndim != 2:
            raise ValueError(f"folds must be [repeats, clips], got shape {self.folds.shape}")
        expected = (self.repeats, self.n_folds, self.n_clips)
        if self.n_folds >= 1 and self.ranks.shape != expected:
            raise ValueError(
                f"ranks must be [repeats, folds, clips], {list(expected)}, got shape "
                f"{self.ranks.shape}"
            )
        if len(self.keys) != self.n_clips:
            raise ValueError(f"{len(self.keys)} keys for {self.n_clips} clips")
        if self.n_folds < 1:
            raise ValueError(f"n_folds must be at least 1, got {self.n_folds}")
        lowest = 0 if self.n_folds > 1 else NEVER_TESTED
        if self.folds.size and not lowest <= self.folds.min() <= self.folds.max() < self.n_folds:
            raise ValueError(f"folds must lie in {lowest} to {self.n_folds - 1}")
        if self.n_folds == 1 and (self.folds != self.folds[:1]).any():
            raise ValueError("the test set of a holdout plan must be the same in every draw")

    @property
    def protocol(self) -> str:
        """``cv``, or ``holdout`` where there is one fold."""
        return "cv" if self.n_folds > 1 else "holdout"

    @property
    def tested(self) -> NDArray[np.bool_]:
        """bool[n], whether a clip is in a test set; all are under cv."""
        return np.asarray((self.folds != NEVER_TESTED).any(axis=0))

    @property
    def repeats(self) -> int:
        """R, the number of repeats or of training draws."""
        return int(self.folds.shape[0])

    @property
    def n_clips(self) -> int:
        """n, the number of clips."""
        return int(self.folds.shape[1])

    def take(self, clips: NDArray[np.int64]) -> "SplitPlan":
        """The plan of a subset of the clips, in the order given (int[m] row numbers)."""
        return SplitPlan(
            self.folds[:, clips],
            self.ranks[:, :, clips],
            self.n_folds,
            tuple(self.keys[clip] for clip in clips),
        )

    def train_test(
        self, labels: ArrayLike, size: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Training and test clips of every repeat and fold at one training size.

        Parameters
        ----------
        labels
            {0, 1}[n] or {"neg", "pos"}[n].
        size
            Training clips per class; at most :meth:`largest_size`.

        Returns
        -------
        list of (int[2 * size], int[t])
            Row numbers in ascending order, by repeat and fold: what scikit-learn takes as ``cv``.

        Raises
        ------
        ValueError
            A fold has fewer training clips of a class.

        Examples
        --------
        >>> labels = ["pos", "pos", "neg", "neg"]
        >>> plan = make_split_plan(labels, ["a", "b", "c", "d"], folds=2, repeats=3)
        >>> pairs = plan.train_test(labels, size=1)
        >>> len(pairs), sorted(int(clip) for part in pairs[0] for clip in part)
        (6, [0, 1, 2, 3])
        """
        classes = label_array(labels, self.n_clips, "the plan")
        size = whole_number("size", size, 1)
        return [
            (
                self.training_clips(classes, repeat, fold, size),
                np.flatnonzero(self.folds[repeat] == fold),
            )
            for repeat in range(self.repeats)
            for fold in range(self.n_folds)
        ]

    def training_clips(
        self, labels: NDArray[np.int64], repeat: int, fold: int, size: int
    ) -> NDArray[np.int64]:
        """Training subset of a fold: the first ``size`` clips per class that are not in it.

        Parameters
        ----------
        labels
            {0, 1}[n], in numbers.
        repeat, fold
            The fold that is tested.
        size
            Clips per class; at most :meth:`largest_size`.

        Returns
        -------
        int[2 * size]
            Row numbers in ascending order.
        """
        chosen = []
        for label, clips in enumerate(self.training_order(labels, repeat, fold)):
            if len(clips) < size:
                raise ValueError(
                    f"fold {fold} of repeat {repeat} has {len(clips)} training clips of class "
                    f"{label}, {size} are asked for"
                )
            chosen.append(clips[:size])
        return np.sort(np.concatenate(chosen))

    def training_order(
        self, labels: NDArray[np.int64], repeat: int, fold: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers of the negative and the positive clips outside a fold, in draw order."""
        outside = np.flatnonzero(self.folds[repeat] != fold)
        ordered = outside[np.argsort(self.ranks[repeat, fold, outside], kind="stable")]
        positive = labels[ordered] == 1
        return ordered[~positive], ordered[positive]

    def largest_size(self, labels: ArrayLike) -> int:
        """The largest training size (clips per class) that every fold of every repeat allows."""
        classes = label_array(labels, self.n_clips, "the plan")
        return min(
            int(np.sum((row != fold) & (classes == label)))
            for row in self.folds
            for fold in range(self.n_folds)
            for label in (0, 1)
        )


def make_split_plan(
    labels: ArrayLike,
    recordings: ArrayLike,
    *,
    keys: ArrayLike | None = None,
    variants: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
) -> SplitPlan:
    """Draw folds over recordings and draw orders over clips.

    Parameters
    ----------
    labels
        {0, 1}[n] or {"neg", "pos"}[n].
    recordings
        str[n], recording of each clip. A recording may hold both labels.
    keys
        str[n], names or content hashes of the clips. Everything is drawn from an order derived
        from them and the labels, so that renaming recordings or reordering clips changes nothing.
        Clips with equal keys keep the order of their rows. By default a clip is identified by the
        name of its recording, its label and its position among the clips of both: renaming a
        recording or reordering its clips then changes the draws, interleaving the rows of several
        recordings does not.
    variants
        str[n], ``data`` or ``data_5s``; all ``data`` when left out. A recording is in the same
        fold in both. K and the validity of a draw are decided on ``data`` if it has at least 2
        recordings of each class, otherwise on ``data_5s``; a draw valid in both is preferred.
    copies
        int[n], the number of the copy of its recording that a clip belongs to, where recordings
        were drawn with replacement. Copies of a recording share a fold, but each takes its own
        turns in the draw order, as the separate recording that it represents.
    folds
        Largest number of folds K. It is lowered for a class with fewer recordings, and where no
        draw in which every fold holds both classes is found within ``MAX_REDRAWS`` redraws.
    repeats
        Number R of independent draws of the K folds.
    seed
        Base seed.

    Returns
    -------
    SplitPlan
        Aligned to the clips. Pass it to :func:`audio_assets.evaluate` as ``splits`` with the
        embeddings of any encoder.

    Raises
    ------
    audio_assets.evaluation.splits.plan.NoEvaluation
        A class has fewer than 2 recordings; a subclass of ValueError.
    ValueError
        An argument is wrong.

    Examples
    --------
    >>> labels = [1, 1, 1, 1, 0, 0, 0, 0]
    >>> recordings = ["a", "a", "b", "b", "c", "c", "d", "d"]
    >>> plan = make_split_plan(labels, recordings, folds=2, repeats=1)
    >>> plan.n_folds, bool(plan.folds[0, 0] == plan.folds[0, 1] != plan.folds[0, 2])
    (2, True)
    """
    folds, repeats = whole_number("folds", folds, 2), whole_number("repeats", repeats, 1)
    seed = seed_number(seed)
    strata = make_strata(labels, recordings, keys, variants)
    deciding = strata.deciding(2)
    if deciding is None:
        raise NoEvaluation(why_no_evaluation(strata.fullest()))
    decisive, wanted = columns(deciding), strata.of(1)

    dealt = None
    n_folds = min(folds, strata.counts[deciding].smaller_class)
    while dealt is None and n_folds >= 2:
        dealt = _deal_repeats(strata.clips, n_folds, repeats, seed, decisive, wanted)
        n_folds -= dealt is None
    if dealt is None:
        raise NoEvaluation("no way was found to split the recordings so that each part has both "
                           "positive and negative clips")  # fmt: skip
    plan_folds = dealt[:, strata.codes]
    check_no_leak(plan_folds, strata.recordings)
    if copies is not None:
        strata = strata.with_copies(copies)
    ranks = draw_orders(strata, repeats, n_folds, seed)
    return SplitPlan(plan_folds, ranks, n_folds, tuple(strata.keys.tolist()))


def why_no_evaluation(counts: RecordingCounts | None) -> str:
    """Say in words why these recordings cannot be split; None means no clips at all."""
    if counts is None:
        return "there are no usable clips"
    parts = []
    for word, count in (("positive", counts.pos), ("negative", counts.neg)):
        if count < 2:
            number = "no recording has" if count == 0 else "only 1 recording has"
            parts.append(f"{number} {word} clips")
    return " and ".join(parts) + "; at least 2 are needed, one to train on and one to test on"


def _deal_repeats(
    clips: NDArray[np.int64],
    n_folds: int,
    repeats: int,
    seed: int,
    decisive: list[int],
    wanted: list[int],
) -> NDArray[np.int64] | None:
    """Folds int[R, recordings] of all repeats, or None if a repeat found no valid draw."""
    dealt = np.empty((repeats, len(clips)), dtype=np.int64)
    for repeat in range(repeats):
        fallback = None
        for attempt in range(1 + MAX_REDRAWS):
            rng = generator(seed, Purpose.FOLDS, repeat, n_folds, attempt)
            draw = _deal_recordings(clips, n_folds, rng)
            held = np.array([clips[draw == fold].sum(axis=0) for fold in range(n_folds)]) > 0
            if held[:, wanted].all():
                break
            if fallback is None and held[:, decisive].all():
                fallback = draw
        else:
            if fallback is None:
                return None
            draw = fallback
        dealt[repeat] = draw
    return dealt


def _deal_recordings(
    clips: NDArray[np.int64], n_folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Assign recordings to folds at random, with nearly equal shares of each stratum.

    Recordings come in a random order in which large ones tend to be early (each next one is drawn
    with probability proportional to its share of clips). Each goes to the fold where the sum over
    folds and strata of the squared shares grows least; ties are broken at random. A strict order
    from large to small balances slightly better but repeats the same few folds; a plain random
    order leaves folds up to twice as uneven.

    Parameters
    ----------
    clips
        int[recordings, strata], clips of each recording in each (variant, label).
    """
    share = clips / np.maximum(clips.sum(axis=0), 1)
    order = np.argsort(rng.exponential(size=len(clips)) / share.sum(axis=1), kind="stable")
    held = np.zeros((n_folds, clips.shape[1]))
    draw = np.empty(len(clips), dtype=np.int64)
    for recording in order:
        growth = held @ share[recording]
        best = np.flatnonzero(growth <= growth.min() + 1e-12)
        draw[recording] = best[rng.integers(len(best))]
        held[draw[recording]] += share[recording]
    return draw


def draw_orders(strata: Strata, repeats: int, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Ranks int[R, K, n]: per variant and label, a round robin over recordings in random order.

    Each fold of each repeat has its own order. Recordings take their turns in the same order in
    both variants, so that models that read different variants train on the same recordings as far
    as possible.
    """
    labels, codes, keys = strata.labels, strata.codes, strata.keys
    ranks = np.empty((repeats, n_folds, len(labels)), dtype=np.int64)
    for label in (0, 1):
        of_variant = []
        for variant in VARIANTS:
            clips = np.flatnonzero((labels == label) & (strata.variants == variant))
            of_variant.append(clips[np.lexsort((keys[clips], codes[clips]))])
        for repeat, fold in np.ndindex(repeats, n_folds):
            rng = generator(seed, Purpose.RECORDING_ORDER, repeat, fold, label)
            turn_of_recording = rng.permutation(int(codes.max()) + 1)
            for number, clips in enumerate(of_variant):
                if not len(clips):
                    continue
                rng = generator(seed, Purpose.CLIP_ORDER, repeat, fold, label, number)
                drawn = clips[rng.permutation(len(clips))]
                turns = turn_of_recording[codes[drawn]]
                # The round of a clip is the number of clips of its recording drawn before it.
                by_recording = np.argsort(turns, kind="stable")
                sorted_turns = turns[by_recording]
                starts = np.searchsorted(sorted_turns, sorted_turns)
                rounds = np.empty(len(drawn), dtype=np.int64)
                rounds[by_recording] = np.arange(len(drawn)) - starts
                order = np.lexsort((turns, rounds))
                ranks[repeat, fold, drawn[order]] = np.arange(len(drawn))
    return ranks
