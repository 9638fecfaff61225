"""Shell completion of values; it must be quick and must never fail."""

from __future__ import annotations

from collections.abc import Sequence


def known_species() -> Sequence[str]:
    """Return the species of the settings, or the folders of a local audio root.

    A bucket offers none: listing one takes seconds, during which the shell would hang.
    """
    from audio_assets.catalog.listing import list_species
    from audio_assets.objects.files import is_local
    from audio_assets.objects.roots import open_root
    from audio_assets.settings import load_settings

    try:
        settings = load_settings()
        if settings.species:
            return settings.species
        root = open_root(settings.require_audio_root())
        return list_species(root).species if is_local(root) else ()
    except Exception:
        # The call itself will report the error; here it would end up on the command line.
        return ()
