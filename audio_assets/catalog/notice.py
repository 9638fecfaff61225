"""The notice about the audio as a whole, which the report shows first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audio_assets.errors import AudioRootError
from audio_assets.objects.files import is_local, read_file
from audio_assets.objects.links import Inside, LeadsOutError

if TYPE_CHECKING:
    from upath import UPath

NOTICE = "NOTICE.txt"


def read_notice(root: UPath) -> str | None:
    """Return the text of ``NOTICE.txt`` beside the species folders, or None without one.

    Raises
    ------
    AudioRootError
        If it is a link that leads out of the root, because its text would be published.
    """
    try:
        if is_local(root):
            Inside(root).require((root / NOTICE).path)
        return read_file(root / NOTICE).decode("utf-8").strip() or None
    except LeadsOutError as error:
        raise AudioRootError(
            f"{root / NOTICE} cannot be read: {error}",
            "Put the file itself there; its text is published.",
        ) from error
    except FileNotFoundError:
        return None
