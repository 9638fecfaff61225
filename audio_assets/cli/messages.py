"""What an error says on the console: what is wrong, and what to do."""

from audio_assets.errors import AudioAssetsError


def two_lines(error: Exception) -> tuple[str, str]:
    """What is wrong and what to do, of the project's errors as of any other."""
    if isinstance(error, AudioAssetsError):
        return error.what, error.remedy
    message = " ".join(str(error).split())
    return (
        f"{type(error).__name__}: {message}",
        "This was not foreseen. Report it with what this prints: audio-assets --debug, then the "
        "same call.",
    )
