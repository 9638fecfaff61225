"""Print the answer about each species in words, the same at the end of a run and on request."""

from __future__ import annotations

from rich.console import Console

from audio_assets.objects.roots import Root
from audio_assets.published import load_answers
from audio_assets.reporting.words.answer_words import verdict
from audio_assets.settings import Settings


def print_verdicts(root: Root, settings: Settings, console: Console) -> None:
    """Print one paragraph per species.

    Parameters
    ----------
    root
        Results root.
    settings
        Their models give the titles; another model is called by its key.

    Raises
    ------
    ResultsError
        If no answers have been published under ``root``.
    """
    answers = load_answers(root)
    titles = {model: settings.title(model) for model in settings.models}
    for row in answers.to_dict("records"):
        text = f"{row['species']}: {verdict(row, titles)}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    if answers.empty:
        console.print("There is no answer yet: no species has a curve.", highlight=False)
