"""Implement ``audio-assets report``: find the report, or pack it with its tables and charts."""

from __future__ import annotations

import getpass
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from upath import UPath

from audio_assets.cli.console import plain_console
from audio_assets.errors import AudioAssetsError, ResultsError
from audio_assets.models.registry import get_encoder
from audio_assets.objects.files import read_file, write_atomic
from audio_assets.objects.roots import open_root
from audio_assets.pipeline.source import CLONE
from audio_assets.published import load_learning_curves
from audio_assets.reporting.page.plain_text import section_text
from audio_assets.results.layout import CHART_FORMATS, ResultsLayout
from audio_assets.results.local_paths import LocalPaths
from audio_assets.settings import Settings, load_settings

CITATION = "CITATION.cff"
# The earliest time that a zip file can give: equal contents make equal files.
_TIME = (1980, 1, 1, 0, 0, 0)


def run_report(file: Path | None) -> None:
    """Print the path of the report, or pack the report and all that belongs to it into a zip file.

    Raises
    ------
    ResultsError
        If there is no report, or the file cannot be written.
    """
    console = plain_console()
    settings = load_settings()
    layout = ResultsLayout(open_root(settings.results_root))
    page = _page(layout)
    if file is None:
        console.print(f"Report: {layout.report}", soft_wrap=True, highlight=False)
        return
    missing: list[str] = []
    contents = dict(_contents(layout, page, local_paths(settings), missing))
    write_atomic(UPath(file.resolve()), _zipped(contents))
    for name in missing:
        console.print(
            f"Not there, and so not in the file: {name}. Make it with audio-assets run.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    console.print(
        f"{len(contents)} files, without paths of this machine: {file}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def local_paths(settings: Settings) -> LocalPaths:
    """Return the paths and the user's name that must not be passed on."""
    roots = {
        "AUDIO_ROOT": settings.audio_root,
        "RESULTS_ROOT": settings.results_root,
        "WEIGHTS_ROOT": settings.weights_root,
        "CACHE_DIR": str(settings.cache_dir),
    }
    names = {str(CLONE): "audio-assets", str(Path.cwd()): "."}
    names |= {str(Path.home()): "~", str(Path.home().resolve()): "~"}
    for name, root in roots.items():
        if not root:
            continue
        names |= {str(root): name} if "/" in str(root) else {}
        if "://" not in str(root):
            path = Path(root).expanduser()
            names |= {str(path.absolute()): name, str(path.resolve()): name}
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A user of a container may have a number only.
        user = ""
    return LocalPaths(names, user)


def _page(layout: ResultsLayout) -> str:
    try:
        return read_file(layout.report).decode()
    except FileNotFoundError as error:
        raise ResultsError(
            f"There is no report: no {layout.report}", "Make it: audio-assets run."
        ) from error


def _contents(
    layout: ResultsLayout, page: str, paths: LocalPaths, missing: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file; those that are not there go to ``missing``."""
    curves = load_learning_curves(layout.root)
    linked = re.findall(r'href="\.\./learning_curves/([^"]+)\.csv"', page)
    species = sorted({*curves["species"], *map(unquote, linked)})
    tables = [layout.learning_curves, layout.comparisons, layout.answers, layout.quarantine]
    charts = [layout.chart(name, form) for name in species for form in CHART_FORMATS]
    shared = paths.replaced_in_page(page)
    yield "report/index.html", shared.encode()
    for path in [*tables, *charts]:
        folder = f"{path.parent.name}/" if path in charts else ""
        try:
            data = read_file(path)
        except FileNotFoundError:
            missing.append(folder + path.name)
            continue
        yield folder + path.name, _without_paths(path.suffix, data, paths)
    yield "methods.txt", section_text(shared, "methods").encode()
    yield "citation.txt", _citation(shared, sorted(set(curves["encoder"].dropna()))).encode()
    if (CLONE / CITATION).is_file():
        yield CITATION, (CLONE / CITATION).read_bytes()


def _without_paths(suffix: str, data: bytes, paths: LocalPaths) -> bytes:
    if suffix == ".png":
        return data
    text = data.decode()
    return (paths.replaced_in_page(text) if suffix == ".html" else paths.replaced(text)).encode()


def _citation(page: str, encoders: list[str]) -> str:
    """Write what to cite: the version that made the report, and the pretrained models."""
    made = re.search(r'<p class="made">(.*?)</p>', page)
    lines = ["Results of audio-assets.", *([made[1]] if made else []), ""]
    lines.append("Pretrained models, to be cited as their publishers ask:")
    lines += [f"- {name}: {_publisher(name)}" for name in encoders]
    return "\n".join(lines) + "\n"


def _publisher(encoder: str) -> str:
    try:
        spec = get_encoder(encoder)
    except AudioAssetsError:
        return "from a package that is not installed here"
    return f"{spec.source.publisher if spec.source else spec.weights}; licence {spec.licence}"


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
