"""Read the settings from the environment and a ``.env`` file, and check them.

The environment is read when :func:`load_settings` is called, never at import. The meaning of a
setting belongs here, its effect elsewhere; variables of other programs belong in
:mod:`audio_assets.environment`.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.errors import SettingsError, UnknownModelError, nearest, perhaps
from audio_assets.evaluation.intervals.bootstrap_interval import MIN_DRAWS, check_draws
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.models.registry import (
    PERCH_ENCODERS,
    default_model_names,
    get_encoder,
    get_model,
)
from audio_assets.objects.roots import open_root
from audio_assets.setting_values import read_list, read_mapping
from audio_assets.tables.partition_keys import KEY_RULE, is_partition_key
from audio_assets.weights.places import WeightPlaces

PREFIX = "AUDIO_ASSETS_"
DOTENV = Path(".env")
# Kubernetes sets such variables for each service of a pod's namespace. A service named
# audio-assets, or audio-assets-something, yields variables with our prefix that are not settings.
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)

DEFAULT_SPECIES_CLASSES: dict[str, dict[str, list[str]]] = {
    "coyote": {"birdnet": ["Canis latrans_Coyote"]},
    "bullfrog": {"birdnet": ["Lithobates catesbeianus_American Bullfrog"]},
    "human_vocal": {"birdnet": ["Human vocal_Human vocal"]},
}

DEFAULT_PATTERNS = "default"
"""Placeholder for :data:`DEFAULT_RECORDING_PATTERNS` in a list of patterns."""

Probability = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
# Their validators read the text, because pydantic-settings would take JSON only.
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(read_list)]
Sizes = Annotated[tuple[Annotated[int, Field(ge=0)], ...], NoDecode, BeforeValidator(read_list)]
ClassLabels = Annotated[dict[str, dict[str, list[str]]], NoDecode, BeforeValidator(read_mapping)]


def _draws(value: int) -> int:
    check_draws(value)
    return value


class Settings(BaseSettings):
    """A user's settings, from environment variables or ``.env`` lines with ``AUDIO_ASSETS_``."""

    # extra: .env may contain lines of other programs. Unknown ones with the prefix are refused.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=DOTENV, extra="ignore", frozen=True, validate_default=True
    )

    audio_root: str = Field(
        "",
        description="Folder or gs:// prefix with one folder per species: {species}/data/{pos,neg}.",
    )
    results_root: str = Field(
        "results",
        min_length=1,
        description="Folder or gs:// prefix that receives everything published.",
    )
    weights_root: str = Field(
        "",
        description="Folder or gs:// prefix with one folder of weights per encoder, searched "
        "before everything else; empty for none.",
    )
    cache_dir: str = Field(
        default_factory=lambda: str(_user_cache() / "audio-assets"),
        description="Local folder for fetched weights and copies of a remote WEIGHTS_ROOT.",
    )
    models: Names = Field(
        default_factory=default_model_names,
        description="Models to evaluate; a list. A model that it names and that has no "
        "weights is an error; without the setting, models whose weights are not installed are "
        "left out.",
    )
    species: Names = Field(
        (), description="Species to evaluate; a list, empty for every folder found."
    )
    training_sizes: Sizes = Field(
        (0, 4, 8, 16, 32, 64, 128, 256, 300),
        min_length=1,
        description="Training clips per class; a list. 0 is the encoder's own class score.",
    )
    folds: int = Field(5, ge=2, le=50, description="Folds K of the cross-validation.")
    repeats: int = Field(
        5,
        ge=1,
        le=1000,
        description="Repeats R of the cross-validation, or training draws under holdout.",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Seed that every random draw derives from.")
    protocol: Literal["cv", "holdout"] = Field(
        "cv",
        description="How test sets are made: cv is the repeated K-fold over recordings, holdout "
        "one fixed test set of whole recordings.",
    )
    holdout_per_class: int = Field(
        50,
        ge=1,
        description="Test clips per class that suffice under holdout, if they come from at least "
        "10 recordings; at most 30 % of the recordings are tested.",
    )
    species_classes: ClassLabels = Field(
        default_factory=lambda: DEFAULT_SPECIES_CLASSES,
        description="Encoder classes that count as the species, for the point at size 0; JSON: "
        "{species: {encoder: [exact labels]}}, added to the default. A list for a species and an "
        "encoder replaces the default's; an empty one removes it. `audio-assets classes` finds "
        "labels.",
    )
    perch_variant: Literal["data_5s", "data"] = Field(
        "data_5s",
        description="Clips that the Perch models read: data_5s, or data, padded or cut to 5 s.",
    )
    min_seconds: float = Field(
        0.5, gt=0, allow_inf_nan=False, description="Shorter clips are quarantined (seconds)."
    )
    max_seconds: float = Field(
        600.0, gt=0, allow_inf_nan=False, description="Longer clips are quarantined (seconds)."
    )
    max_samples: int = Field(
        120_000_000,
        ge=1,
        description="Clips with more samples over all channels are quarantined before they are "
        "decoded. The default accepts 600 s in stereo at 96 kHz, and 150 s in stereo at 384 kHz. "
        "Embedding a clip takes about 10 bytes of memory per sample.",
    )
    ci_level: Probability = Field(0.95, description="Nominal coverage of the intervals.")
    bootstrap: Annotated[int, Field(ge=0, le=10_000), AfterValidator(_draws)] = Field(
        0,
        description="Bootstrap draws of recordings for the intervals, at least "
        f"{MIN_DRAWS}; 0 for intervals from folds and recordings.",
    )
    target_auc: Probability = Field(
        0.95, description="ROC-AUC whose lower bound counts as enough clips."
    )
    margin_auc: Probability = Field(
        0.01, description="Gain or loss of ROC-AUC that does not matter to an answer."
    )
    recording_patterns: Names = Field(
        (DEFAULT_PATTERNS,),
        description="Regular expressions that are searched in the stem of a clip's name; the group "
        "`recording` of the first match is the recording; a list. A clips.csv beside the "
        'species folders takes precedence. `"default"` in the list includes the patterns of the '
        "names that BirdNET-Analyzer, birdnetlib, OpenSoundscape, Kaleidoscope, Arbimon, "
        "xeno-canto, ESC-50 and others give to clips.",
    )
    duplicate_encoder: str = Field(
        "birdnet",
        description="Encoder whose embeddings identify near-duplicate clips, whatever models are "
        "turned on; empty to skip near-duplicates.",
    )
    duplicate_cosine: float = Field(
        0.97,
        gt=0,
        le=1,
        description="Cosine of two embeddings above which clips are near-duplicates and their "
        "recordings count as one; 1 to skip near-duplicates.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Processes or threads that embed and train; 0 for one per usable CPU.",
    )

    sensor_seconds: int = Field(
        30,
        ge=1,
        le=86_400,
        description="Seconds between two ticks of the sensors, which look for stale results and "
        "for audio that changes. Audio at rest is listed less often if a listing is expensive.",
    )
    listing_max_seconds: int = Field(
        600,
        ge=1,
        le=86_400,
        description="Seconds after which audio at rest, and files under RESULTS_ROOT in a bucket, "
        "are listed again, whatever that costs; never fewer than SENSOR_SECONDS.",
    )
    notifications: str = Field(
        "",
        pattern=r"^(projects/[^/\s]+/subscriptions/[^/\s]+)?$",
        description="Pub/Sub subscription, projects/{project}/subscriptions/{name}, that receives "
        "the notifications of the bucket of AUDIO_ROOT. Only the folders that they name are listed "
        "then, and all audio once per hour; empty to list at intervals that depend on the cost.",
    )
    longest_wait_minutes: float = Field(
        60.0,
        gt=0,
        allow_inf_nan=False,
        description="Minutes after which a species is processed although its audio still changes; "
        "the wait then starts again.",
    )
    late_hours: float = Field(
        24.0,
        gt=0,
        allow_inf_nan=False,
        description="Hours after which a species whose work is due counts as late.",
    )
    keep_runs_days: int = Field(
        30,
        ge=0,
        le=36_500,
        description="Days after which a run that ended is deleted from Dagster's database, unless "
        "the state of an asset depends on it; 0 to keep all.",
    )
    retry_seconds: float = Field(
        60.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds after which failed work is tried again; the second wait is ten times "
        "as long.",
    )
    give_up_hours: float = Field(
        24.0,
        gt=0,
        allow_inf_nan=False,
        description="Hours to wait before work that failed three times in a row is tried once "
        "more; `audio-assets retry` ends the wait at once.",
    )
    health_seconds: int = Field(
        300,
        ge=1,
        le=86_400,
        description="Seconds between two examinations of the automation's health; changes are "
        "reported to the webhook and to the check `automation_is_healthy`.",
    )
    webhook_url: SecretStr | None = Field(
        None,
        description="Address to which failed runs are posted, and problems of the automation when "
        "they begin and end, as JSON with a `text`; a secret.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Logs of runs on the console: text, or one JSON object per line."
    )

    quarantine_warn_share: Share = Field(
        0.05, description="Share of a species' clips in quarantine above which its check warns."
    )
    quarantine_error_share: Share = Field(
        0.5, description="Share of a species' clips in quarantine above which its check fails."
    )

    confound_warn_auc: Annotated[float, Field(gt=0.5, le=1)] = Field(
        0.75,
        description="ROC-AUC of the labels from properties of the files alone (format, sample "
        "rate, channels, duration, level) from which the report and the asset check warn.",
    )

    @field_validator("training_sizes")
    @classmethod
    def _sizes_rise(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(sizes)))

    @field_validator("bootstrap")
    @classmethod
    def _draws_of_folds(cls, draws: int, info: Any) -> int:
        # A wrong protocol has an error of its own, and is missing here.
        name = info.data.get("protocol")
        why_not = find_protocol(name).why_no_bootstrap() if name else ""
        if draws and why_not:
            raise ValueError(f"{why_not} (PROTOCOL={name}); BOOTSTRAP must be 0")
        return draws

    @field_validator("models")
    @classmethod
    def _models_known(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        for model in models:
            try:
                get_model(model)
            except UnknownModelError as error:
                raise ValueError(f"{error.what}. {error.remedy}") from error
        if not models:
            raise ValueError("at least one model is needed")
        return tuple(dict.fromkeys(models))

    @field_validator("duplicate_encoder")
    @classmethod
    def _encoder_known(cls, name: str) -> str:
        if name:
            try:
                get_encoder(name)
            except UnknownModelError as error:
                raise ValueError(f"{error.what}. {error.remedy}") from error
        return name

    @field_validator("species_classes")
    @classmethod
    def _encoders_known(
        cls, classes: dict[str, dict[str, list[str]]]
    ) -> dict[str, dict[str, list[str]]]:
        for species, by_encoder in classes.items():
            for name in by_encoder:
                try:
                    get_encoder(name)
                except UnknownModelError as error:
                    raise ValueError(f"{species}: {error.what}. {error.remedy}") from error
        merged = {
            species: dict(of_encoder) for species, of_encoder in DEFAULT_SPECIES_CLASSES.items()
        }
        for species, by_encoder in classes.items():
            merged.setdefault(species, {}).update(by_encoder)
        return {
            species: {encoder: labels for encoder, labels in by_encoder.items() if labels}
            for species, by_encoder in merged.items()
        }

    @field_validator("species")
    @classmethod
    def _species_are_keys(cls, species: tuple[str, ...]) -> tuple[str, ...]:
        bad = [name for name in species if not is_partition_key(name)]
        if bad:
            raise ValueError(f"{', '.join(bad)}: a species name must match {KEY_RULE}")
        return tuple(dict.fromkeys(species))

    @field_validator("recording_patterns")
    @classmethod
    def _patterns_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        patterns = tuple(
            pattern
            for given in patterns
            for pattern in (DEFAULT_RECORDING_PATTERNS if given == DEFAULT_PATTERNS else (given,))
        )
        for pattern in patterns:
            try:
                groups = re.compile(pattern).groupindex
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
            if "recording" not in groups:
                raise ValueError(f"{pattern!r} has no group (?P<recording>...)")
        return patterns

    @field_validator("webhook_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None

    @field_validator("max_seconds")
    @classmethod
    def _limits_in_order(cls, value: float, info: Any) -> float:
        if value < info.data.get("min_seconds", 0):
            raise ValueError(f"{value} is less than MIN_SECONDS")
        return value

    @field_validator("quarantine_error_share")
    @classmethod
    def _shares_in_order(cls, value: float, info: Any) -> float:
        if value < info.data.get("quarantine_warn_share", 0):
            raise ValueError(f"{value} is less than QUARANTINE_WARN_SHARE")
        return value

    @property
    def worker_count(self) -> int:
        """Processes or threads that embed and train, at least 1.

        Without a setting, the CPUs that affinity and the container's quota leave to this process.
        """
        import joblib

        return self.workers or int(joblib.cpu_count())

    @property
    def names_models(self) -> bool:
        """Whether MODELS is set, so that each of its models was asked for by name."""
        return "models" in self.model_fields_set

    @property
    def finds_near_duplicates(self) -> bool:
        """Whether near-duplicate clips are searched for."""
        return bool(self.duplicate_encoder) and self.duplicate_cosine < 1

    def weight_places(self, patience: float | None = None) -> WeightPlaces:
        """Places that are searched for weights.

        ``patience`` is as in :func:`audio_assets.objects.roots.open_root`.
        """
        root = open_root(self.weights_root, patience=patience) if self.weights_root else None
        return WeightPlaces(root, Path(self.cache_dir).expanduser())

    def variant(self, model: str) -> str:
        """Folder of clips that a model reads under these settings."""
        spec = get_model(model)
        return self.perch_variant if spec.encoder in PERCH_ENCODERS else spec.variant

    def title(self, model: str) -> str:
        """Name of a model on charts; it says if Perch reads clips that were not made for it."""
        name = get_model(model).title
        if self.variant(model) == get_model(model).variant:
            return name
        return f"{name} ({self.variant(model)}, padded)"

    def require_audio_root(self) -> str:
        """AUDIO_ROOT, or a :class:`SettingsError` that says how to give it."""
        if not self.audio_root:
            raise SettingsError(
                f"{PREFIX}AUDIO_ROOT is not set",
                "Set it in the environment or in .env to the folder or gs:// prefix that holds "
                "{species}/data/{pos,neg}.",
            )
        return self.audio_root


def load_settings(**overrides: Any) -> Settings:
    """Read and check the settings.

    Parameters
    ----------
    **overrides
        Field values that go before the environment and ``.env``.

    Raises
    ------
    SettingsError
        If a value is malformed or out of range, or a name with the prefix is unknown; the message
        names each one.
    """
    given = [*_given_keys(), *(PREFIX + name.upper() for name in overrides)]
    unknown = [
        key
        for key in given
        if _field(key) not in Settings.model_fields and not _SERVICE_LINK.search(key)
    ]
    if unknown:
        near = [
            one for key in sorted(unknown) for one in nearest(_field(key), Settings.model_fields)
        ]
        names = ", ".join(PREFIX + name.upper() for name in near or sorted(Settings.model_fields))
        raise SettingsError(
            f"Unknown setting: {', '.join(sorted(unknown))}",
            (
                f"Perhaps you mean {names}? Correct or remove it."
                if near
                else f"Correct or remove it. Known: {names}"
            ),
        )
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            name = PREFIX + str(fault["loc"][0]).upper() if fault["loc"] else PREFIX
            inner = "".join(f"[{part}]" for part in fault["loc"][1:])
            faults.append(f"{name}{inner}: {_in_words(fault)}")
        raise SettingsError(
            "; ".join(faults), "Correct it in the environment or in .env."
        ) from error


def _in_words(fault: ErrorDetails) -> str:
    """Describe a fault, with the nearest choices if there are only some."""
    if fault["type"] == "literal_error" and isinstance(fault["input"], str):
        choices = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        near = perhaps(fault["input"], choices)
        return f"{fault['input']!r} is none of {', '.join(choices)}. {near}".rstrip()
    return fault["msg"].removeprefix("Value error, ")


def setting_sources() -> dict[str, str]:
    """Name the source of each field's effective value: environment, .env or default."""
    environment = {_field(key) for key in os.environ if key.upper().startswith(PREFIX)}
    dotenv = {_field(key) for key in _dotenv_keys()}
    return {
        name: ("environment" if name in environment else ".env" if name in dotenv else "default")
        for name in Settings.model_fields
    }


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Field values for display, secrets masked."""
    shown: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        shown[name] = "********" if isinstance(value, SecretStr) else value
    return shown


def _user_cache() -> Path:
    """The user's cache folder, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _field(key: str) -> str:
    return key.upper().removeprefix(PREFIX).lower()


def _dotenv_keys() -> list[str]:
    try:
        source = DotEnvSettingsSource(Settings, env_file=DOTENV)
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{DOTENV.absolute()} is no UTF-8 text: {error}", "Save it as UTF-8."
        ) from error
    return [key for key in source.env_vars if key.upper().startswith(PREFIX)]


def _given_keys() -> list[str]:
    keys = [key.upper() for key in EnvSettingsSource(Settings).env_vars]
    return sorted(
        {key for key in keys if key.startswith(PREFIX)} | set(map(str.upper, _dotenv_keys()))
    )
