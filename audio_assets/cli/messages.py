"""Error messages on the console: what is wrong, and what to do."""

from audio_assets.errors import AudioAssetsError


def two_lines(error: Exception) -> tuple[str, str]:
    """Return what is wrong and what to do, for the project's errors and for any other."""
    if isinstance(error, AudioAssetsError):
        return error.what, error.remedy
    message = " ".join(str(error).split())
    return (
        f"{type(error).__name__}: {message}",
        "This is unexpected. Report it with the output of the same call after audio-assets "
        "--debug.",
    )
