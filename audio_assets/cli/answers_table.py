"""Print the answers that `demo` and `run` end with."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from audio_assets.published import load_learning_curves
from audio_assets.results.layout import ResultsLayout


def print_answers(
    layout: ResultsLayout, titles: dict[str, str], target: float, console: Console
) -> None:
    """Print a table of all species and models, and below it the reasons for what is missing."""
    from audio_assets.evaluation.intervals.clips_needed import CANNOT_BE_SHOWN
    from audio_assets.published import load_comparisons
    from audio_assets.reporting.words.sentences import clips_needed_table
    from audio_assets.reporting.words.wording import EMPTY

    curves, comparisons = load_learning_curves(layout.root), load_comparisons(layout.root)
    answers = clips_needed_table(curves, comparisons, titles)
    # Fits into 80 columns, the width of a console that is not a terminal.
    table = RichTable(
        title="Clips needed per class",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    for column in ("species", "model", "untrained", "AUC", "interval", "needed"):
        table.add_column(column, no_wrap=column != "model", overflow="fold")
    for row in answers.to_dict("records"):
        size = row["largest size"]
        auc = row["AUC at largest size"]
        table.add_row(
            row["species"],
            row["model"],
            row["untrained AUC"],
            auc if auc == EMPTY else f"{auc} at {size}",
            row["interval"].replace(" to ", " - "),
            row["range"].replace("more than", ">"),
        )
    console.print(table)
    console.print(
        f"AUC: at the largest training size. Needed: from the smallest size at which the upper end "
        f"of the interval reaches {target:g} to the smallest from which the lower end always does; "
        f"> n if none did up to n.",
        highlight=False,
    )
    few = answers[answers["status"].str.contains(CANNOT_BE_SHOWN)]
    reasons = few["status"].str.split(";").str[0]
    for species, reason in dict.fromkeys(zip(few["species"], reasons, strict=True)):
        console.print(f"{species}: {reason}.", highlight=False, soft_wrap=True)
    for row in answers[answers["AUC at largest size"] == EMPTY].to_dict("records"):
        console.print(
            f"No AUC of {row['species']}, {row['model']}: {row['status']}",
            highlight=False,
            soft_wrap=True,
        )
