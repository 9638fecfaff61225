"""The last stage: the shared CSV files and the report over all species and models."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.errors import AudioAssetsError
from audio_assets.models.registry import get_model
from audio_assets.pipeline.current import (
    Look,
    current_findings,
    current_rows,
    fresh_tables,
    is_of_settings,
    of_best_models,
    of_curves,
)
from audio_assets.pipeline.plan import FAN_IN, OWNERS, AssetPlan, clear_failures
from audio_assets.pipeline.source import git_commit
from audio_assets.pipeline.stages import STAGES
from audio_assets.tables import (
    AUDIO_INVENTORY,
    CALIBRATION,
    EMBEDDING_MAP,
    FINDINGS,
    HARD_CLIPS,
    LEARNING_CURVE,
    MODEL_COMPARISON,
    NEAR_DUPLICATES,
    NO_CLIPS,
    QUARANTINE,
    REPORTED_CLIPS,
    ROC_AUC_CHART,
    Table,
)

if TYPE_CHECKING:
    import pandas as pd

    from audio_assets.reporting.page.content import ReportContent
    from audio_assets.reporting.page.copies import Copies
_NO_RESULT = (
    "failed or not run with this audio and these settings; see audio-assets status, and bring it "
    "up to date with audio-assets run"
)


def build_experiment_report(plan: AssetPlan, look: Look) -> dg.AssetsDefinition:
    @dg.asset(
        ins={name: FAN_IN for name in STAGES["experiment_report"].inputs},
        code_version=plan.version("experiment_report"),
        group_name="report",
        kinds={"python", "html"},
        owners=OWNERS,
        # The nightly schedule makes it whatever has changed.
        freshness_policy=dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
        ),
    )
    def experiment_report(
        context: dg.AssetExecutionContext,
        audio_inventory: Any,
        near_duplicates: Any,
        roc_auc_chart: Any,
        model_comparison: Any,
        quarantine: Any,
        findings: Any,
        calibration: Any,
        hard_clips: Any,
        embedding_map: Any,
    ) -> dg.MaterializeResult[Any]:
        """learning_curves.csv, comparisons.csv, quarantine.csv and report/index.html.

        This asset alone writes them, each atomically, and beside the report the clips that it
        knows of, so that the next one can name those that are gone.
        """
        import hashlib

        from audio_assets.catalog.reported_clips import clips_to_report, read_reported
        from audio_assets.objects.files import write_atomic
        from audio_assets.reporting.page.page import render_report
        from audio_assets.results.csv_format import to_csv_bytes
        from audio_assets.results.parquet import concat_tables, table_bytes

        results = plan.results
        with clear_failures(context):
            inventory = {
                key: concat_tables([t], AUDIO_INVENTORY) for key, t in audio_inventory.items()
            }
            staleness = look(context.instance, of_all=True)

            def fresh(table: Table, tables: dict[str, Any]) -> Any:
                return concat_tables(fresh_tables(staleness, table.name, tables).values(), table)

            curves = fresh(ROC_AUC_CHART, roc_auc_chart)
            curves = curves[is_of_settings(curves, plan.settings)]
            curves = current_rows(staleness, LEARNING_CURVE.name, curves)
            comparisons = of_curves(fresh(MODEL_COMPARISON, model_comparison), curves)
            # Kept when it could not be made anew: it names clips that somebody should look at.
            quarantined = concat_tables(quarantine.values(), QUARANTINE)
            looked_at = fresh_tables(staleness, QUARANTINE.name, quarantine)
            clips = clips_to_report(read_reported(results.reported_clips), inventory)
            found = current_findings(staleness, of_curves(fresh(FINDINGS, findings), curves))
            calibrated = of_curves(fresh(CALIBRATION, calibration), curves)
            hard = of_best_models(fresh(HARD_CLIPS, hard_clips), curves)
            maps = of_best_models(fresh(EMBEDDING_MAP, embedding_map), curves)
            copies = {
                species: pairs
                for species, pairs in near_duplicates.items()
                if staleness.up_to_date(NEAR_DUPLICATES.name, species)
            }
            tables = ReportTables(
                inventory=inventory,
                near_duplicates=copies,
                curves=curves,
                comparisons=comparisons,
                quarantine=quarantined,
                clips=clips,
                findings=found,
                calibration=calibrated,
                hard_clips=hard,
                embedding_maps=maps,
                unchecked=sorted(inventory.keys() - looked_at.keys()),
            )
            content = report_content(plan, tables)
            files = {
                results.learning_curves: to_csv_bytes(curves, ROC_AUC_CHART),
                results.comparisons: to_csv_bytes(comparisons, MODEL_COMPARISON),
                results.quarantine: to_csv_bytes(quarantined, QUARANTINE),
                results.report: render_report(content).encode(),
                # Last: a run that is killed before it compares with the same clips again.
                results.reported_clips: table_bytes(clips, REPORTED_CLIPS),
            }
            for path, data in files.items():
                write_atomic(path, data)
        digest = hashlib.sha256(b"".join(hashlib.sha256(d).digest() for d in files.values()))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest.hexdigest()),
            metadata={
                "species": len(inventory),
                "curves": int(curves[["species", "model"]].drop_duplicates().shape[0]),
                "quarantined clips": len(quarantined),
                "removed clips": len(content.removed),
                "warnings": int(found["warning"].sum()),
                "partitions without a result": len(content.missing),
                **{path.name: dg.MetadataValue.path(str(path)) for path in files},
                "answers": dg.MetadataValue.md(content.answers_markdown()),
            },
        )

    return experiment_report


@dataclass(frozen=True)
class ReportTables:
    """The current rows of the tables that the report is made from.

    Attributes
    ----------
    inventory, near_duplicates
        By species.
    curves, comparisons, quarantine, findings, calibration, hard_clips, embedding_maps
        Rows of all species.
    clips
        The clips that the report knows of, removed ones included.
    unchecked
        Species whose clips were not looked at with today's audio and settings.
    """

    inventory: "dict[str, pd.DataFrame]"
    near_duplicates: "dict[str, pd.DataFrame]"
    curves: "pd.DataFrame"
    comparisons: "pd.DataFrame"
    quarantine: "pd.DataFrame"
    clips: "pd.DataFrame"
    findings: "pd.DataFrame"
    calibration: "pd.DataFrame"
    hard_clips: "pd.DataFrame"
    embedding_maps: "pd.DataFrame"
    unchecked: list[str]


def report_content(plan: AssetPlan, tables: ReportTables) -> "ReportContent":
    """What the report shows, gathered from the tables and the settings."""
    import pandas as pd

    from audio_assets.catalog.notice import read_notice
    from audio_assets.catalog.quarantine import quarantine_share
    from audio_assets.reporting.charts.learning_curve import learning_curve_chart
    from audio_assets.reporting.page.content import ReportContent
    from audio_assets.settings import shown_settings
    from audio_assets.tables.losses import loss_in_words

    settings, inventory, curves = plan.settings, tables.inventory, tables.curves
    titles = {model: settings.title(model) for model in settings.models}
    found = set(zip(curves["species"], curves["model"], strict=True))
    left_out = _without_encoder(plan, [m for m in settings.models if m not in set(curves["model"])])
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
        quarantine_share(tables.quarantine, table, species, plan.variants)
        for species, table in sorted(inventory.items())
    ]
    removed = tables.clips.loc[tables.clips["removed"], ["species", "variant", "clip_id"]]
    return ReportContent(
        curves=curves,
        comparisons=tables.comparisons,
        quarantine=tables.quarantine,
        findings=tables.findings,
        calibration=tables.calibration,
        hard_clips=tables.hard_clips,
        embedding_maps=tables.embedding_maps,
        quarantine_shares={s.species: (s.quarantined, s.clips) for s in shares},
        losses={
            s.species: loss_in_words(s.quarantined, s.clips, s.reasons)
            for s in shares
            if s.quarantined
        },
        copies=_copies(plan, inventory, tables.near_duplicates),
        unchecked=tables.unchecked,
        removed=list(removed.itertuples(index=False, name=None)),
        charts={
            species: learning_curve_chart(
                curves[curves["species"] == species], species=species, models=titles
            ).to_json()
            for species in sorted(inventory)
        },
        notice=read_notice(plan.audio_root),
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
        models=titles,
    )


def _copies(
    plan: AssetPlan, inventory: dict[str, Any], near_duplicates: dict[str, Any]
) -> "Copies":
    from audio_assets.evaluation.doubts.near_duplicates import joined_groups, joins_too_many
    from audio_assets.reporting.page.copies import AlikePair, Copies, EqualBytes, JoinedGroup

    settings = plan.settings
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
            EqualBytes(species, row.variant, row.clip_id, row.duplicate_of, row.status)
            for species, table in sorted(inventory.items())
            for row in table[table["duplicate_of"] != ""].itertuples()
        ],
        pairs=[
            AlikePair(
                species,
                row.variant,
                row.clip_id_a,
                row.clip_id_b,
                row.cosine,
                row.label_a != row.label_b,
                bool(row.same_recording),
            )
            for species, pairs in sorted(near_duplicates.items())
            for row in near_duplicates[species].itertuples()
        ],
        groups=groups,
        not_looked_at=sorted(inventory.keys() - near_duplicates.keys()),
    )


def _without_encoder(plan: AssetPlan, models: list[str]) -> dict[str, str]:
    reasons = {}
    for model in models:
        try:
            plan.load_encoder(model)
        except AudioAssetsError as error:
            reasons[model] = str(error)
    return reasons


def _data_versions(inventory: dict[str, Any], curves: Any) -> dict[str, str]:
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
