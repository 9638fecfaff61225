"""Gather what the report shows from the current tables and the settings.

How the page looks is in :mod:`audio_assets.reporting.page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from audio_assets.errors import AudioAssetsError
from audio_assets.models.registry import get_model
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.report_tables import ReportTables
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.source import git_commit
from audio_assets.settings import Settings
from audio_assets.tables import NO_CLIPS

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

    from audio_assets.reporting.page.content import ReportContent
    from audio_assets.reporting.page.copies import Copies

_NO_RESULT = (
    "failed or not run with this audio and these settings; see audio-assets status, and bring it "
    "up to date with audio-assets run"
)


def report_content(
    settings: Settings,
    roots: Roots,
    models: EnabledModels,
    tables: ReportTables,
    made_at: datetime,
) -> ReportContent:
    """Gather the content of the report from the tables and the settings.

    Parameters
    ----------
    made_at
        Time of the report, in UTC.
    """
    import pandas as pd

    from audio_assets.catalog.notice import read_notice
    from audio_assets.catalog.quarantine import quarantine_share
    from audio_assets.reporting.page.content import ReportContent
    from audio_assets.settings import shown_settings
    from audio_assets.tables.losses import loss_in_words

    inventory, curves = tables.inventory, tables.curves
    published = _shown_by_published(curves, tables.published_charts) & inventory.keys()
    found = set(zip(curves["species"], curves["model"], strict=True))
    left_out = _without_encoder(
        models, [m for m in settings.models if m not in set(curves["model"])]
    )
    missing = [
        (species, model, left_out.get(model, _NO_RESULT))
        for species in sorted(inventory)
        for model in settings.models
        if (species, model) not in found
    ]
    rules = [
        (species, rule, int(clips))
        for species, table in sorted(inventory.items())
        for rule, clips in table.loc[~table["status"].isin(NO_CLIPS), "recording_rule"]
        .value_counts()
        .sort_index()
        .items()
    ]
    encoders = {get_model(model).encoder for model in settings.models}
    fingerprints = curves[["encoder", "encoder_fingerprint"]].drop_duplicates()
    shares = [
        quarantine_share(tables.quarantine, table, species, models.available_variants)
        for species, table in sorted(inventory.items())
    ]
    removed = tables.clips.loc[tables.clips["removed"], ["species", "variant", "clip_id"]]
    return ReportContent(
        curves=curves,
        quarantine=tables.quarantine,
        tables=tables.rows,
        quarantine_shares={s.species: (s.quarantined, s.clips) for s in shares},
        losses={
            s.species: loss_in_words(s.quarantined, s.clips, s.reasons)
            for s in shares
            if s.quarantined
        },
        copies=_copies(settings, inventory, tables.near_duplicates),
        unchecked=tables.unchecked,
        removed=list(removed.itertuples(index=False, name=None)),
        charts={
            species: _chart(
                species,
                curves,
                roots.results.chart(species, "json") if species in published else None,
                models.titles,
            )
            for species in sorted(inventory)
        },
        chart_files={species: _links(roots, species) for species in sorted(published)},
        made=made_in_words(made_at, _titles(curves, models.titles)),
        notice=read_notice(roots.audio),
        recording_rules=pd.DataFrame(rules, columns=["species", "rule", "clips"]),
        class_labels={
            species: {e: labels for e, labels in classes.items() if e in encoders}
            for species, classes in settings.species_classes.items()
            if species in inventory
        },
        left_out=left_out,
        missing=missing,
        settings=shown_settings(settings),
        provenance={
            f"fingerprint of {row.encoder}": row.encoder_fingerprint
            for row in fingerprints.sort_values("encoder").itertuples()
        }
        | _data_versions(inventory, curves)
        | _versions(),
        models=models.titles,
    )


def _shown_by_published(
    curves: pd.DataFrame, published: Mapping[str, pd.DataFrame]
) -> frozenset[str]:
    """Species whose published chart shows these curves.

    A chart that lacks a model since its result is out of date has other curves than the published.
    """
    return frozenset(
        species
        for species, rows in published.items()
        if curves[curves["species"] == species]
        .reset_index(drop=True)
        .equals(rows.reset_index(drop=True))
    )


def _chart(
    species: str, curves: pd.DataFrame, published: UPath | None, titles: Mapping[str, str]
) -> str:
    """Return the Vega-Lite JSON of a species, from the published chart if there is one."""
    from audio_assets.objects.files import read_file
    from audio_assets.reporting.charts.learning_curve import learning_curve_chart

    if published is not None:
        return read_file(published).decode()
    of_species = curves[curves["species"] == species]
    return learning_curve_chart(of_species, species=species, models=titles).to_json()


def _links(roots: Roots, species: str) -> dict[str, str]:
    """Links from the report to the files of a chart, by format."""
    from posixpath import relpath
    from urllib.parse import quote

    folder = roots.results.report.parent
    return {
        form.upper(): quote(relpath(roots.results.chart(species, form).path, folder.path))
        for form in ("csv", "svg", "png")
    }


def _titles(curves: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Titles of the models that have a result; they contain the models' versions."""
    return [titles.get(model, model) for model in sorted(set(curves["model"]))]


def made_in_words(made_at: datetime, models: Sequence[str]) -> str:
    """Say when the report was made, and with which versions of the package, Python and models."""
    import platform
    from importlib.metadata import version

    commit = git_commit()
    package = f"audio-assets {version('audio-assets')}" + (f" ({commit[:7]})" if commit else "")
    text = (
        f"Made on {made_at.day} {made_at:%B %Y} at {made_at:%H:%M} UTC with {package} and Python "
        f"{platform.python_version()}."
    )
    return f"{text} Models: {'; '.join(models)}." if models else text


def _copies(
    settings: Settings,
    inventory: Mapping[str, pd.DataFrame],
    near_duplicates: Mapping[str, pd.DataFrame],
) -> Copies:
    from audio_assets.evaluation.doubts.near_duplicates import joined_groups, joins_too_many
    from audio_assets.reporting.page.copies import AlikePair, Copies, EqualBytes, JoinedGroup

    groups = []
    for species in sorted(inventory.keys() & near_duplicates.keys()):
        pairs = near_duplicates[species]
        recordings = inventory[species]["recording_id"].nunique()
        groups += [
            JoinedGroup(species, group, recordings, joins_too_many(len(group), recordings))
            for group in joined_groups(pairs)
        ]
    return Copies(
        encoder=settings.duplicate_encoder if settings.finds_near_duplicates else "",
        above=settings.duplicate_cosine,
        equal_bytes=[
            EqualBytes(species, row["variant"], row["clip_id"], row["duplicate_of"], row["status"])
            for species, table in sorted(inventory.items())
            for row in table[table["duplicate_of"] != ""].to_dict("records")
        ],
        pairs=[
            AlikePair(
                species,
                row["variant"],
                row["clip_id_a"],
                row["clip_id_b"],
                row["cosine"],
                row["label_a"] != row["label_b"],
                bool(row["same_recording"]),
            )
            for species, alike in sorted(near_duplicates.items())
            for row in alike.to_dict("records")
        ],
        groups=groups,
        not_looked_at=sorted(inventory.keys() - near_duplicates.keys()),
    )


def _without_encoder(models: EnabledModels, names: list[str]) -> dict[str, str]:
    not_installed = models.not_installed()
    reasons = {}
    for model in names:
        if model in not_installed:
            reasons[model] = f"not installed\n{not_installed[model].remedy}"
            continue
        try:
            models.load_encoder(model)
        except AudioAssetsError as error:
            reasons[model] = str(error)
    return reasons


def _data_versions(inventory: Mapping[str, pd.DataFrame], curves: pd.DataFrame) -> dict[str, str]:
    """The audio as it was listed, and the split plan that the curves come from."""
    from audio_assets.catalog.inventory import inventory_version

    plans = curves.groupby("species")["split_plan"].first()
    return {
        f"data version of {what} of {species}": str(version)
        for species, table in sorted(inventory.items())
        for what, version in (
            ("audio_inventory", inventory_version(table)),
            ("balanced_manifest", plans.get(species, "no result")),
        )
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("audio-assets", "dagster", "numpy", "scikit-learn", "soundfile", "soxr", "librosa")
    commit = git_commit() or "none: the package was not run from a clone"
    versions = {f"version of {name}": version(name) for name in (*names, "ai-edge-litert")}
    return {"git commit (changes that are not committed are not seen)": commit} | versions
