"""Implement ``audio-assets init``: make the folder of a project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from audio_assets.cli.console import plain_console
from audio_assets.cli.dotenv_text import LOCAL_VALUES, dotenv_text
from audio_assets.errors import AudioAssetsError
from audio_assets.tables.task import PRESENCE

_README = """\
# A project of audio-assets

Which pretrained audio model suits a species, and how many labelled clips it needs.

Put clips (WAV, FLAC, MP3 and others) of each species into two folders:

    {audio}/{species}/data/pos/    clips in which it is heard
    {audio}/{species}/data/neg/    clips in which it is not

The folder has the name of the species in lower case, with `_` for blanks: `barn_owl`. Clips from
the same recording have to be known as such, by their names or by a table `{audio}/clips.csv` with
the columns `file` and `group`. `audio-assets import` cuts clips out of long recordings with the
label tables of Raven, Audacity, Kaleidoscope and others, and writes that table.

Then call, in this folder:

    audio-assets doctor      # checks settings, clips and models
    audio-assets run         # computes what is missing
    audio-assets status      # shows what there is

Results and the report are written to `{results}/`. Settings are in `.env`, each with its meaning.
"""


def init_project(folder: Path, species: Sequence[str]) -> None:
    """Make the folder with an audio root, a ``.env`` and a README, and print what to do next.

    Raises
    ------
    AudioAssetsError
        If one of them exists; nothing is written then.
    """
    audio = folder / LOCAL_VALUES["audio_root"]
    env, readme = folder / ".env", folder / "README.md"
    taken = [path.name for path in (audio, env, readme) if os.path.lexists(path)]
    if taken:
        raise AudioAssetsError(
            f"{folder} already has {', '.join(taken)}",
            "Choose another folder; nothing was written.",
        )
    try:
        audio.mkdir(parents=True)
        for name in species:
            for label in (PRESENCE.positive, PRESENCE.negative):
                (audio / name / "data" / label).mkdir(parents=True, exist_ok=True)
        readme.write_text(
            _README.format(
                audio=audio.name,
                species=species[0] if species else "{species}",
                results=LOCAL_VALUES["results_root"],
            ),
            encoding="utf-8",
        )
        # It may hold the address of a webhook later, which is a secret.
        with open(
            os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(dotenv_text())
    except OSError as error:
        raise AudioAssetsError(
            f"{folder} cannot be made: {error}", "Choose a folder that you may write to."
        ) from error
    where = f"{audio}/{species[0] if species else '{species}'}/data"
    plain_console().print(
        f"{folder} is ready. Put clips into {where}/pos and {where}/neg, then call there: "
        "audio-assets doctor",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
