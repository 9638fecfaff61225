"""The form of a chart on a narrow screen, such as a phone's.

A chart that is only scaled down has letters that nobody can read. So each chart carries a patch
that charts.js applies where the page is narrow: a smaller plotting area, titles in shorter lines,
and a key below in place of names at the line ends.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

NARROW = "narrow"
"""Signal of a chart: whether it is drawn in its narrow form. The page sets it; see charts.js."""
WIDTH = 280
"""Plotting area in pixels: with its axis it fits a screen of 360."""

_TITLE_LENGTH = 36
_SUBTITLE_LENGTH = 54


def narrow_form(
    title: str, subtitle: Sequence[str] = (), *, height: int, width: int = WIDTH, **config: Any
) -> dict[str, Any]:
    """Return the patch (RFC 7396) that turns a chart into its narrow form.

    Parameters
    ----------
    title, subtitle
        Lines above the chart, before they are broken.
    height, width
        Plotting area in pixels.
    config
        Vega-Lite configuration by section.
    """
    lines = [line for text in subtitle for line in textwrap.wrap(text, _SUBTITLE_LENGTH)]
    return {
        "width": width,
        "height": height,
        "title": {"text": textwrap.wrap(title, _TITLE_LENGTH), "subtitle": lines},
        "config": {
            "padding": 2,
            "title": {"fontSize": 14, "subtitleFontSize": 11, "subtitleLineHeight": 14},
            **config,
        },
    }
