"""When to look at audio again: soon after a change, and seldom where looking costs much.

What a look cost decides how long a root that rests is left alone: seconds of listing, and requests
to a bucket. Only waiting is decided here, not what a look leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHARE = 20
"""A look that took a second is not repeated before so many seconds: 5 % of the time at most."""
SECONDS_A_REQUEST = 3.0
"""What each request of a look to a bucket that rests adds to the wait: 1,200 requests an hour."""
NET_SECONDS = 3600.0
"""The wait at rest where notifications tell what changes: a net below those that are lost."""
BUCKET_SECONDS = 60.0
"""The least wait before a bucket that rests is listed again."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the waits.

    Attributes
    ----------
    shortest
        Seconds between two ticks: there can be no look sooner.
    longest
        Seconds after which to look in any case; never fewer than ``shortest``.
    is_told
        Whether somebody tells what changes, so that audio that may rest is looked at once in
        :data:`NET_SECONDS`.
    """

    shortest: float
    longest: float
    is_told: bool = False


@dataclass(frozen=True)
class Look:
    """A look at audio.

    Attributes
    ----------
    ended
        Seconds since the epoch.
    seconds
        How long it took.
    requests
        How many it made to a bucket.
    quiet
        How many looks in a row found nothing new, this one among them.
    """

    ended: float
    seconds: float = 0.0
    requests: int = 0
    quiet: int = 0

    def wait_in_motion(self, limits: Limits) -> float:
        """Seconds after which to look again at audio that moves."""
        return _bounded(SHARE * self.seconds, limits)

    def wait_at_rest(self, limits: Limits) -> float:
        """Seconds after which to look again at audio that may rest.

        The wait doubles with each look that found nothing, up to what the cost of a look allows.
        """
        if limits.is_told:
            return max(limits.shortest, NET_SECONDS)
        least = _bounded(SHARE * self.seconds, limits)
        cost = max(SECONDS_A_REQUEST * self.requests, BUCKET_SECONDS) if self.requests else 0.0
        most = max(least, _bounded(cost, limits))
        # A power beyond this is longer than any limit, and then no number.
        doubled = limits.shortest * 2.0 ** min(self.quiet, 32)
        return max(least, min(doubled, most))

    def is_over(self, wait: float, now: float, limits: Limits) -> bool:
        """Whether the tick of now is the one that ends a wait after this look.

        That is the tick nearest to its end: ticks are no shorter apart than the shortest wait, so
        one that comes a moment too early would make the wait half as long again. After the
        shortest wait that is every tick: what ticks has waited for it.
        """
        return wait <= limits.shortest or now >= self.ended + wait - limits.shortest / 2

    def as_json(self) -> dict[str, float]:
        """What :func:`read_look` reads."""
        return {
            "ended": round(self.ended, 3),
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "quiet": self.quiet,
        }


def read_look(kept: Mapping[str, Any] | None) -> Look | None:
    """The look that was kept by :meth:`Look.as_json`; None without one."""
    return Look(**kept) if kept else None


def _bounded(seconds: float, limits: Limits) -> float:
    return max(limits.shortest, min(seconds, limits.longest))
