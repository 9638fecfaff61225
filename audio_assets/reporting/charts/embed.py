"""Embed charts in HTML: the Vega bundle, safe JSON in a script, and the content policy."""

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


@cache
def vega_bundle() -> str:
    """Return vega, vega-lite and vega-embed as one script that sets ``window.vegaEmbed``.

    The release of vega-lite is the one that altair writes for. vl_convert builds the bundle offline
    in about 5 s, once per process.
    """
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=vegalite_version()
    )
    return bundle


@cache
def vegalite_version() -> str:
    """Return the major and minor version of altair's vega-lite schema, such as ``6.4``."""
    import altair

    return ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def script_json(document: str) -> str:
    r"""Rewrite JSON so that it is safe inside a ``<script>`` element.

    No text in it can close the element or open a comment: ``<``, ``>`` and ``&`` become ``\u003c``
    and so on. (vl_convert.vegalite_to_html does not do this, so a clip or species named
    ``</script>`` would run there.)

    Raises
    ------
    ValueError
        The text is not JSON.
    """
    text = json.dumps(json.loads(document), ensure_ascii=True, allow_nan=False, sort_keys=True)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def content_policy(scripts: Iterable[str]) -> str:
    """Return a Content-Security-Policy that allows these inline scripts and loads nothing.

    Should escaping a value ever fail, the browser still refuses to run it: scripts are allowed by
    digest. ``unsafe-eval`` is there because Vega compiles its expressions.

    Parameters
    ----------
    scripts
        The exact text between the tags of each script.
    """
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return (
        f"default-src 'none'; script-src {digests} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; media-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def templates() -> "jinja2.Environment":
    """Return the package's templates; they escape every value, and a missing one is an error."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("audio_assets.reporting", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def template_text(name: str) -> str:
    """Return the text of a script or style sheet from the templates folder, to insert unescaped."""
    return (files("audio_assets.reporting") / "templates" / name).read_text(encoding="utf-8")
