"""Pace of listing audio: soon after a change, and rarely where listing is expensive.

The cost of a listing, in seconds and requests to a bucket, determines the wait before an unchanged
root is listed again. Only the waits are decided here, not the consequences of a listing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHARE = 20
"""Seconds to wait per second that a listing took: listing takes at most 5 % of the time."""
SECONDS_PER_REQUEST = 3.0
"""Seconds to wait per request to an unchanged bucket: at most 1,200 requests per hour."""
NET_SECONDS = 3600.0
"""Wait at rest if notifications announce changes: a safety net for lost ones."""
BUCKET_SECONDS = 60.0
"""Shortest wait before an unchanged bucket is listed again."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the waits.

    Attributes
    ----------
    shortest
        Seconds between two ticks: no listing can be sooner.
    longest
        Seconds after which to list in any case; never fewer than ``shortest``.
    is_notified
        Whether notifications announce changes, so that unchanged audio is listed once per
        :data:`NET_SECONDS`.
    """

    shortest: float
    longest: float
    is_notified: bool = False


@dataclass(frozen=True)
class PastListing:
    """A listing of audio.

    Attributes
    ----------
    ended
        End, in seconds since the epoch.
    seconds
        Duration.
    requests
        Number of requests to a bucket.
    quiet
        Number of consecutive listings without anything new, including this one.
    """

    ended: float
    seconds: float = 0.0
    requests: int = 0
    quiet: int = 0

    def wait_in_motion(self, limits: Limits) -> float:
        """Return the seconds after which to list changing audio again."""
        return _bounded(SHARE * self.seconds, limits)

    def wait_at_rest(self, limits: Limits) -> float:
        """Return the seconds after which to list unchanged audio again.

        The wait doubles with each listing that found nothing, up to a limit set by its cost.
        """
        if limits.is_notified:
            return max(limits.shortest, NET_SECONDS)
        least = _bounded(SHARE * self.seconds, limits)
        cost = max(SECONDS_PER_REQUEST * self.requests, BUCKET_SECONDS) if self.requests else 0.0
        most = max(least, _bounded(cost, limits))
        # A larger power exceeds any limit, and would eventually overflow.
        doubled = limits.shortest * 2.0 ** min(self.quiet, 32)
        return max(least, min(doubled, most))

    def is_over(self, wait: float, now: float, limits: Limits) -> bool:
        """Return whether the present tick ends a wait after this listing.

        That is the tick nearest to the end of the wait: ticks are at least the shortest wait apart,
        so skipping one that comes slightly early would prolong the wait by half. The shortest wait
        ends at every tick.
        """
        return wait <= limits.shortest or now >= self.ended + wait - limits.shortest / 2

    def as_json(self) -> dict[str, float]:
        """Return the form that :func:`read_listing` reads."""
        return {
            "ended": round(self.ended, 3),
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "quiet": self.quiet,
        }


def read_listing(kept: Mapping[str, Any] | None) -> PastListing | None:
    """Restore the result of :meth:`PastListing.as_json`; None without one."""
    return PastListing(**kept) if kept else None


def _bounded(seconds: float, limits: Limits) -> float:
    return max(limits.shortest, min(seconds, limits.longest))
