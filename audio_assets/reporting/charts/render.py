"""Write a chart as HTML that opens without a network, SVG, PNG and Vega-Lite JSON.

Equal charts yield equal bytes: altair names data by content, and vl_convert adds no random ids.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.reporting.charts import embed

if TYPE_CHECKING:
    import altair as alt

PNG_SCALE = 2.0
"""Pixels of the PNG per pixel of the chart."""


@dataclass(frozen=True)
class RenderedChart:
    """One chart in four formats.

    Attributes
    ----------
    html
        A standalone page with Vega inlined (0.9 MB).
    svg
        Vector graphics; text stays text.
    png
        Picture at twice the chart's size, on white.
    json
        Vega-Lite specification with its data.
    """

    html: str
    svg: str
    png: bytes
    json: str


def render(chart: alt.LayerChart) -> RenderedChart:
    """Write a chart in all formats; nothing is loaded from a network.

    Parameters
    ----------
    chart
        For example from
        :func:`audio_assets.reporting.charts.learning_curve.learning_curve_chart`.
    """
    import vl_convert

    document = chart.to_json()
    version = embed.vegalite_version()
    return RenderedChart(
        html=_html(document, json.loads(document)),
        # No host is allowed: a specification that names a URL fails instead of loading it.
        svg=vl_convert.vegalite_to_svg(document, vl_version=version, allowed_base_urls=[]),
        png=_png(document, PNG_SCALE),
        json=document,
    )


def preview_png(chart: alt.LayerChart) -> bytes:
    """Write a chart as PNG at its own size in 64 colours.

    A map of 600 clips takes 23 kB, a fifth of its SVG.
    """
    from PIL import Image

    picture = Image.open(io.BytesIO(_png(chart.to_json(), 1.0))).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _png(document: str, scale: float) -> bytes:
    import vl_convert

    picture: bytes = vl_convert.vegalite_to_png(
        document, vl_version=embed.vegalite_version(), scale=scale, allowed_base_urls=[]
    )
    return picture


def _html(document: str, chart: dict[str, object]) -> str:
    bundle, script = embed.vega_bundle(), embed.template_text("charts.js")
    title = chart["title"]
    return (
        embed.templates()
        .get_template("chart.html.j2")
        .render(
            title=title["text"] if isinstance(title, dict) else title,
            description=chart["description"],
            policy=embed.content_policy([bundle, script]),
            specification=embed.script_json(document),
            bundle=bundle,
            script=script,
        )
    )
