"""What a shell is offered while a call is being typed; it must be quick and never an error."""

from __future__ import annotations

from collections.abc import Sequence


def known_species() -> Sequence[str]:
    """Species of the settings, or the folders of a local audio root.

    Of a bucket none: to list one takes seconds, in which the shell would stand still.
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
        # Whatever is wrong, the call itself will say so; here it would end up in the shell's line.
        return ()
