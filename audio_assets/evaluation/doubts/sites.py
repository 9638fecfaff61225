"""Detection of sites that determine the label, from names and ``clips.csv``.

A hint for a person to judge; no clips are joined or left out because of it. The sound of clips is
not examined here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.splits.recordings import MIN_RECORDINGS
from audio_assets.tables.task import PRESENCE

MAX_CHANCE = 0.001
"""A separation of the labels by site that occurs by chance more often than this is not reported.

This is for all ways to read the sites together; each way is held to its share of it.
"""

MOST = 0.9
"""Share of a class that must come from a few sites, and share of those sites that it must have.

At 1 a single stray clip among hundreds would hide that the labels are those of the sites.
"""

RECORDING_IDS = "recording ids"

_LABEL_WORDS = {
    *PRESENCE.classes,
    "positive",
    "negative",
    "presence",
    "absence",
    "present",
    "absent",
}
# Columns of clips.csv about the sound or the file, which are not sites: they legitimately equal
# the label, or are examined by the confound check.
_NO_SITE = {
    *(
        "label",
        "labels",
        "class",
        "classes",
        "category",
        "species",
        "taxon",
        "annotation",
        "target",
    ),
    *("task", "call", "calls", "sound", "type", "presence", "file", "filename", "path", "clip"),
    *("comment", "notes", "licence", "license", "url", "sample", "rate", "channels", "duration"),
    *("quality", "sex", "stage", "age", "individual", "valid", "validated", "verified"),
    *("seconds", "container", "format", "bits", "codec", "start", "end", "confidence", "score"),
}
_YES_OR_NO = {"yes", "no", "true", "false", "y", "n", "0", "1"}
_SHUFFLES = 4000
_VALUES_AT_ONCE = 2_000_000
_PLACES = 8


@dataclass(frozen=True)
class SiteFinding:
    """A class with nearly all clips from a few sites that hardly have the other class.

    Attributes
    ----------
    label
        ``pos`` or ``neg``.
    sites
        Their names, sorted.
    source
        Source of the sites, such as ``recording ids``, ``the end of recording ids`` or
        ``the column site of clips.csv``.
    clips, of_clips
        Clips of the class that come from these sites, and its clips in all.
    others
        Clips of the other class that come from these sites.
    """

    label: str
    sites: tuple[str, ...]
    source: str
    clips: int
    of_clips: int
    others: int


def sites_that_tell_the_label(
    labels: Sequence[str],
    recordings: Sequence[str],
    species: str,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> list[SiteFinding]:
    """Find classes that come from fewer than 5 sites which hardly have the other class.

    A site is a recording id (a ``clips.csv`` may give sites as groups), a value of a further column
    of ``clips.csv``, or a part of the recording ids, at the beginning, at the end or between; parts
    end at signs or where letters meet digits. Labels and the species' own name in an id are no
    site.

    At least :data:`MOST` of the class's clips must come from those sites and, with both classes
    weighted equally, at least :data:`MOST` of the clips of those sites must be of the class. The
    site must also predict the labels better than chance: if the labels are permuted over the
    recordings (over the clips, where each recording is a site), at most a share of
    :data:`MAX_CHANCE`, divided by the number of ways to read sites, of the permutations may be
    predicted as well.

    Parameters
    ----------
    labels
        ``pos`` or ``neg`` of each clip.
    recordings
        Recording of each clip.
    species
        Species folder.
    columns
        Name to value of each clip; empty where a clip has none. Columns about the sound or the
        file, by their name or because their values are labels, are not sites.

    Returns
    -------
    list of SiteFinding
        At most one per class, all from the way to read sites that predicts the labels best.
    """
    positive = np.array([label == PRESENCE.positive for label in labels], dtype=bool)
    if positive.all() or not positive.any():
        return []
    ways = _ways(recordings, positive, species, columns or {})
    best: list[SiteFinding] = []
    most_predicted = 0.0
    for source, sites in ways.items():
        found = _classes_of_few_sites(source, sites, positive)
        predicted = float(
            _predicted_share(*_counts(np.unique(sites, return_inverse=True)[1], positive))
        )
        if not found or predicted <= most_predicted:
            continue
        units = (sites, positive)
        if source != RECORDING_IDS:
            units = _recordings_as_units(sites, np.asarray(recordings), positive)
        if _chance_is_small(*units, MAX_CHANCE / len(ways)):
            best, most_predicted = found, predicted
    return best


def _describes_the_sound(name: str, values: Sequence[str], species: str) -> bool:
    """Whether a column of clips.csv is about the sound or the file, by its name or its values."""
    if _tokens(name) & (_NO_SITE | _tokens(species)):
        return True
    given = {value.lower() for value in values if value}
    if given <= _YES_OR_NO:
        return True
    return all(_tokens(value) & _LABEL_WORDS for value in given)


def _tokens(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def _is_given_in_both(values: Sequence[str], positive: NDArray[np.bool_]) -> bool:
    """Whether at least half of each class has a value; otherwise it describes only one class."""
    given = np.array([bool(value) for value in values], dtype=bool)
    return bool(min(given[positive].mean(), given[~positive].mean()) >= 0.5)


def _ways(
    recordings: Sequence[str],
    positive: NDArray[np.bool_],
    species: str,
    columns: Mapping[str, Sequence[str]],
) -> dict[str, NDArray[np.str_]]:
    """Site of each clip by each way to read sites; ways with the same partition are merged."""
    named = [(RECORDING_IDS, list(recordings))]
    named += [
        (f"the column {name} of clips.csv", list(of))
        for name, of in columns.items()
        if not _describes_the_sound(name, of, species) and _is_given_in_both(of, positive)
    ]
    distinct = sorted(set(recordings))
    for source, parts in _parts(distinct, species):
        of = dict(zip(distinct, parts, strict=True))
        named.append((source, [of[recording] for recording in recordings]))
    ways: dict[str, NDArray[np.str_]] = {}
    seen = set()
    for source, values in named:
        # A clip without a site gets its recording as site, so that it hides no other site.
        sites = np.array(
            [one or f"\0{name}" for one, name in zip(values, recordings, strict=True)], dtype=str
        )
        _, first, codes = np.unique(sites, return_index=True, return_inverse=True)
        form = first[codes].tobytes()
        if form in seen or len(first) < 2 or len(first) == len(sites):
            continue
        seen.add(form)
        ways[source] = sites
    return ways


def _parts(names: Sequence[str], species: str) -> Iterator[tuple[str, list[str]]]:
    """Each part of the names by its position, counted from the beginning and from the end."""
    for pattern in (r"[^\W_]+", r"[^\W\d_]+|\d+"):
        words = [_words(name, species, pattern) for name in names]
        places = min(max(map(len, words), default=0), _PLACES)
        for place in range(places):
            where = f"part {place + 1}" if place else "the beginning"
            yield f"{where} of recording ids", [_at(of, place) for of in words]
            where = f"part {place + 1} from the end" if place else "the end"
            yield f"{where} of recording ids", [_at(of[::-1], place) for of in words]


def _words(name: str, species: str, pattern: str) -> list[str]:
    # The species as one word: otherwise the parts of human_vocal would be separate words.
    text = name.lower().replace(species.lower(), " ")
    return [word for word in re.findall(pattern, text) if word not in _LABEL_WORDS]


def _at(words: list[str], place: int) -> str:
    return words[place] if place < len(words) else ""


def _classes_of_few_sites(
    source: str, sites: NDArray[np.str_], positive: NDArray[np.bool_]
) -> list[SiteFinding]:
    """Classes with most clips from a few sites that hardly have the other class."""
    names, codes = np.unique(sites, return_inverse=True)
    pos, neg = _counts(codes, positive)
    found = []
    for label, own, other in ((PRESENCE.negative, neg, pos), (PRESENCE.positive, pos, neg)):
        own_share, other_share = own / own.sum(), other / other.sum()
        mostly = np.flatnonzero((own > 0) & (own_share >= MOST * (own_share + other_share)))
        mostly = mostly[np.argsort(-own[mostly], kind="stable")]
        enough = int(np.searchsorted(np.cumsum(own_share[mostly]), MOST - 1e-9)) + 1
        # All of them while they are few: the first few of five would hide one.
        few = mostly if len(mostly) < MIN_RECORDINGS else mostly[:enough]
        held = int(own[few].sum())
        if enough > len(mostly) or len(few) >= MIN_RECORDINGS or held < 2 * len(few):
            continue
        shown = tuple(sorted(name.removeprefix("\0") for name in names[few].tolist()))
        found.append(SiteFinding(label, shown, source, held, int(own.sum()), int(other[few].sum())))
    return found


def _recordings_as_units(
    sites: NDArray[np.str_], recordings: NDArray[np.str_], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    """Site and label of each recording; with both labels, the one with the larger class share."""
    pairs = np.stack([recordings, sites], axis=1)
    units, codes = np.unique(pairs, axis=0, return_inverse=True)
    pos, neg = _counts(codes.ravel(), positive)
    return units[:, 1], np.asarray(pos / pos.sum() > neg / neg.sum())


def _counts(
    codes: NDArray[np.int64], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sites = int(codes.max()) + 1
    return np.bincount(codes[positive], minlength=sites), np.bincount(
        codes[~positive], minlength=sites
    )


def _predicted_share(pos: NDArray[np.int64], neg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the labels that the other clips of the same site predict, with equal class weights.

    Takes int[..., sites] clips of each class. A clip's own label does not count for it, or every
    site of one clip would be a perfect predictor; equal shares of both labels, or none, count half.
    """
    of_pos, of_neg = (of.sum(axis=-1, keepdims=True) for of in (pos, neg))
    predicted_pos = pos * (np.sign((pos - 1) * of_neg - neg * of_pos) + 1)
    predicted_neg = neg * (np.sign((neg - 1) * of_pos - pos * of_neg) + 1)
    return np.asarray(((predicted_pos / of_pos + predicted_neg / of_neg) / 4.0).sum(axis=-1))


def _chance_is_small(sites: NDArray[np.str_], positive: NDArray[np.bool_], limit: float) -> bool:
    """Whether the site predicts permuted labels as well in at most a share ``limit`` of draws."""
    if positive.all() or not positive.any():
        return False
    _, codes = np.unique(sites, return_inverse=True)
    pos, neg = _counts(codes, positive)
    predicted = _predicted_share(pos, neg) - 1e-12
    rng = np.random.default_rng(0)
    draws = as_well = 0
    # Four draws as good as the labels themselves, counting the labels as one, are too many.
    starts = np.concatenate([[0], np.cumsum(pos + neg)[:-1]])
    one_of_each = np.arange(len(positive)) < pos.sum()
    # A few draws at a time: thousands of sites times thousands of draws are 600 MB.
    at_once = max(1, min(_SHUFFLES, _VALUES_AT_ONCE // len(positive)))
    while draws * limit < 4.0:
        dealt = rng.permuted(np.broadcast_to(one_of_each, (at_once, len(positive))), axis=1)
        of_pos = np.add.reduceat(dealt, starts, axis=1, dtype=np.int64)
        as_well += int((_predicted_share(of_pos, pos + neg - of_pos) >= predicted).sum())
        draws += at_once
        if as_well >= 4:
            return False
    return (1 + as_well) / (1 + draws) <= limit
