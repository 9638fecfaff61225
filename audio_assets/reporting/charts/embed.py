"""How charts get into HTML: the Vega bundle, safe JSON in a script, and what a page may load."""

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
    """JavaScript of vega, vega-lite and vega-embed in one, setting ``window.vegaEmbed``.

    The release of vega-lite is the one that altair writes for. Making it takes about 5 s, once a
    process; vl_convert does it offline.
    """
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=vegalite_version()
    )
    return bundle


@cache
def vegalite_version() -> str:
    """Major and minor version of the vega-lite schema that altair writes, such as ``6.4``."""
    import altair

    return ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def script_json(document: str) -> str:
    r"""Rewrite JSON so that it can stand in a ``<script>`` element.

    No text in it can close the element or open a comment: ``<``, ``>`` and ``&`` become ``\u003c``
    and so on. (vl_convert.vegalite_to_html does not do this, so a clip or species called
    ``</script>`` would run there.)

    Raises
    ------
    ValueError
        The text is no JSON.
    """
    text = json.dumps(json.loads(document), ensure_ascii=True, allow_nan=False, sort_keys=True)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def content_policy(scripts: Iterable[str]) -> str:
    """Content-Security-Policy of a page: these inline scripts run, and nothing is loaded.

    Should a value ever escape its escaping, the browser still refuses to run it: scripts are named
    by their digest. Vega compiles its expressions, hence ``unsafe-eval``.

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
    """The package's templates; every value is escaped, and a missing one is an error."""
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
    """Text of a script or style sheet beside the templates, to be put in as it is."""
    return (files("audio_assets.reporting") / "templates" / name).read_text(encoding="utf-8")
