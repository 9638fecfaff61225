"""Report the species for which no model has a result, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rich.console import Console

from audio_assets.errors import ResultsError
from audio_assets.objects.files import exists
from audio_assets.objects.roots import open_root
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import read_table
from audio_assets.settings import Settings
from audio_assets.tables import LEARNING_CURVE

_SPECIES_SHOWN = 10


def without_result(
    settings: Settings, species: Sequence[str], models: Collection[str]
) -> dict[str, list[str]]:
    """Return the species without a ROC-AUC by any of these models, with the reasons.

    Reasons are those of the published learning curves, each once; none if there is no curve.
    A curve that cannot be read is one without a result.
    """
    results = ResultsLayout(open_root(settings.results_root))
    found: dict[str, list[str]] = {}
    for name in species:
        reasons: dict[str, None] = {}
        for model in models:
            path = results.table(LEARNING_CURVE.name, model, name)
            if not exists(path):
                continue
            try:
                curve = read_table(path, LEARNING_CURVE)
            except ResultsError as error:
                reasons[f"{error.what}. {error.remedy}"] = None
                continue
            rows = curve[curve["metric"] == "roc_auc"]
            if rows["mean"].notna().any():
                break
            reasons |= dict.fromkeys(map(str, rows["ci_status"]))
        else:
            found[name] = list(reasons)
    return found


def print_none_evaluated(unevaluated: Mapping[str, Sequence[str]], console: Console) -> None:
    """Print that no species has a result, and the reasons of each."""
    console.print("No species could be evaluated.", style="red", soft_wrap=True)
    shown = {name: reasons for name, reasons in unevaluated.items() if reasons}
    for name in list(shown)[:_SPECIES_SHOWN]:
        console.print(
            f"  {name}: {'; '.join(shown[name])}", markup=False, highlight=False, soft_wrap=True
        )
    if len(shown) > _SPECIES_SHOWN:
        console.print(f"  and {len(shown) - _SPECIES_SHOWN} others", highlight=False)
