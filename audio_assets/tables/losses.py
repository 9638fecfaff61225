"""Clips that could not be used, counted by reason and described in words.

The console, the report and the reason why a species has no evaluation all use these words for how
many clips were lost and why. The reasons themselves are defined in
:mod:`audio_assets.tables.clips`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

LOSS_WORDS = {
    "empty_file": "empty",
    "no_samples": "without samples",
    "not_audio": "not audio in a format that can be read",
    "needs_extra": "of a format that needs the extra `formats`",
    "undecodable": "damaged or cut off",
    "too_short": "too short",
    "too_long": "too long",
    "too_large": "too large",
    "non_finite": "with NaN or infinite samples",
    "silent": "silent",
    "unreadable": "unreadable in storage",
    "folder": "in a folder under pos or neg",
    "link_out_of_root": "behind a link out of the audio root",
    "both_labels": "labelled both pos and neg",
}
"""Wording of each quarantine reason after a number, as in "3 too short"."""

_SHOWN = 3


def loss_by_reason(reasons: Iterable[str]) -> dict[str, int]:
    """Clips by reason, the most frequent first; ties in alphabetical order."""
    counts = Counter(reasons)
    return {reason: counts[reason] for reason in sorted(counts, key=lambda r: (-counts[r], r))}


def reasons_in_words(counts: Mapping[str, int]) -> str:
    """List the most frequent reasons, and the number of clips with other reasons.

    Parameters
    ----------
    counts
        From :func:`loss_by_reason`.

    >>> reasons_in_words({"undecodable": 9, "too_short": 3})
    '9 damaged or cut off, 3 too short'
    """
    shown = list(counts.items())
    # Naming one more reason takes no more room than saying that there is one.
    if len(shown) > _SHOWN + 1:
        shown = shown[:_SHOWN]
    parts = [f"{clips} {LOSS_WORDS[reason]}" for reason, clips in shown]
    others = sum(counts.values()) - sum(clips for _, clips in shown)
    if others:
        parts.append(f"{others} for other reasons")
    return ", ".join(parts)


def loss_in_words(lost: int, clips: int, counts: Mapping[str, int], kind: str = "") -> str:
    """Say how many clips were not used, and why.

    Parameters
    ----------
    lost, clips
        Clips not used, and clips in all.
    counts
        From :func:`loss_by_reason`, of the clips that were lost.
    kind
        Kind of clips, such as "positive".

    >>> loss_in_words(12, 60, {"undecodable": 9, "too_short": 3})
    '12 of 60 clips were not used: 9 damaged or cut off, 3 too short'
    >>> loss_in_words(14, 14, {"silent": 14}, "positive")
    'none of the 14 positive clips was used: all silent'
    """
    noun = f"{kind} clip" if kind else "clip"
    if lost < clips:
        sentence = f"{lost} of {clips} {noun}s {'was' if lost == 1 else 'were'} not used"
    elif clips > 1:
        sentence = f"none of the {clips} {noun}s was used"
    else:
        sentence = f"the only {noun} was not used"
    if len(counts) > 1:
        return f"{sentence}: {reasons_in_words(counts)}"
    (reason,) = counts
    return f"{sentence}: {'all ' if lost > 1 else ''}{LOSS_WORDS[reason]}"
