"""Registry of models and encoders: the built-in declarations, and those of users' packages.

A model is an encoder with a head, and one line of a chart. Looking up names imports no encoder, but
it imports the modules that entry points name, which should be as light as this one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import resolve_name
from typing import TypeVar

from audio_assets.encoders.base import Encoder
from audio_assets.encoders.promises import fingerprint_fault, size_fault
from audio_assets.errors import AudioAssetsError, EncoderError, UnknownModelError, perhaps
from audio_assets.models.heads import HEADS
from audio_assets.tables import VARIANTS
from audio_assets.tables.partition_keys import KEY_RULE, is_partition_key
from audio_assets.weights.places import ONLY_WHEELS, WeightPlaces, find_weights
from audio_assets.weights.sources import SOURCES, WeightSource

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
        Classifier trained on the embeddings, a key of :data:`audio_assets.models.heads.HEADS`.
    variant
        Folder of clips it reads: ``data`` or ``data_5s``.
    enabled_by_default
        Whether a run without the setting MODELS evaluates it.
    title
        Name on charts and in reports.
    is_offered
        Whether it is named as a choice; one for tests is not.
    """

    name: str
    encoder: str
    head: str
    variant: str
    enabled_by_default: bool
    title: str
    is_offered: bool = True


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder.

    Attributes
    ----------
    name
        Key in the embedding store; matches ``^[a-z0-9_-]+$``.
    factory
        ``module:attribute``, called to create an encoder: with the folder of its weights if it has
        a ``source``, else without arguments.
    licence
        Licence of the weights, as an SPDX identifier if there is one.
    weights
        Origin of the weights in a few words.
    source
        The files that audio-assets finds and checks; None for an encoder that has no weights or
        handles them itself.
    in_processes
        Whether each worker is a single-threaded process with an encoder of its own, or a thread.
        Processes scale better and survive a crash; an encoder that is large, slow to load or
        multi-threaded, such as TensorFlow's, is better loaded once.
    cpu_seconds_per_hour
        CPU seconds that an hour of audio takes, None if not known: for the choice between models
        that are as good. It is declared and not measured in each run, so that a busy machine does
        not change an answer; only the order of encoders matters. The built-in ones are measured by
        ``benchmarks/embedding_cost.py``.
    """

    name: str
    factory: str
    licence: str
    weights: str
    source: WeightSource | None = None
    in_processes: bool = False
    cpu_seconds_per_hour: float | None = None


@dataclass(frozen=True)
class ModelRegistration:
    """The target of an entry point of the group ``audio_assets.models``, alone or in a tuple."""

    model: ModelSpec
    encoder: EncoderSpec


# CPU seconds per hour of audio; docs/speed.md shows how they were measured.
_COSTS = {
    "birdnet": 15.9,
    "mfcc": 6.8,
    "mobilenet": 16.9,
    "resnet": 57.3,
    "vgg": 171.0,
}


def _pretrained(
    name: str, factory: str, licence: str, *, in_processes: bool = False
) -> EncoderSpec:
    source = SOURCES[name]
    path = f"audio_assets.encoders.{factory}"
    cost = _COSTS.get(name)
    return EncoderSpec(name, path, licence, source.publisher, source, in_processes, cost)


PERCH_ENCODERS = ("perch", "perch_v2")
"""Encoders whose clips are chosen by the setting PERCH_VARIANT."""

_BIRDNET = _pretrained("birdnet", "birdnet:BirdNetEncoder", "CC-BY-NC-SA-4.0", in_processes=True)
_MFCC = EncoderSpec(
    "mfcc",
    "audio_assets.encoders.mfcc:MfccEncoder",
    "Apache-2.0",
    "none",
    cpu_seconds_per_hour=_COSTS["mfcc"],
)
_PLACEHOLDER = EncoderSpec(
    "placeholder", "audio_assets.encoders.placeholder:PlaceholderEncoder", "Apache-2.0", "none"
)


def _logistic(
    encoder: EncoderSpec, variant: str, enabled: bool, title: str, *, is_offered: bool = True
) -> ModelRegistration:
    """Register an encoder with a logistic head as a model of the same name."""
    model = ModelSpec(encoder.name, encoder.name, "logistic", variant, enabled, title, is_offered)
    return ModelRegistration(model, encoder)


_BUILT_IN = (
    _logistic(_BIRDNET, "data", True, "BirdNET 2.4"),
    _logistic(_pretrained("perch", "perch:perch", "Apache-2.0"), "data_5s", True, "Perch 8"),
    _logistic(_pretrained("vgg", "keras_backbones:vgg", "CC-BY-4.0"), "data", True, "VGG16"),
    _logistic(
        _pretrained("mobilenet", "keras_backbones:mobilenet", "Apache-2.0"),
        "data",
        True,
        "MobileNetV2",
    ),
    _logistic(_pretrained("resnet", "keras_backbones:resnet", "MIT"), "data", True, "ResNet50"),
    ModelRegistration(
        ModelSpec("random_forest", "mfcc", "random_forest", "data", True, "MFCC, random forest"),
        _MFCC,
    ),
    ModelRegistration(ModelSpec("svm", "mfcc", "svm", "data", True, "MFCC, SVM"), _MFCC),
    _logistic(
        _pretrained("yamnet", "audioset:YamnetEncoder", "Apache-2.0"), "data", False, "YAMNet"
    ),
    _logistic(
        _pretrained("vggish", "audioset:VggishEncoder", "Apache-2.0"), "data", False, "VGGish"
    ),
    _logistic(_pretrained("perch_v2", "perch:perch_v2", "Apache-2.0"), "data_5s", False, "Perch 2"),
    _logistic(_PLACEHOLDER, "data", False, "Placeholder", is_offered=False),
)


@dataclass
class _Registry:
    models: dict[str, ModelSpec] = field(default_factory=dict)
    encoders: dict[str, EncoderSpec] = field(default_factory=dict)

    def add(self, registration: ModelRegistration) -> None:
        """Add a model; raises ValueError if the registration breaks a rule."""
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
        if model.head not in HEADS:
            raise ValueError(
                f"model {model.name} trains {model.head!r}, which is not a head; "
                f"the heads are {', '.join(HEADS)}"
            )
        if model.name in self.models:
            raise ValueError(f"there already is a model {model.name}")
        # Models may share an encoder, as random_forest and svm do, but not just its name.
        if self.encoders.setdefault(encoder.name, encoder) != encoder:
            raise ValueError(f"there already is another encoder {encoder.name}")
        self.models[model.name] = model


def model_names() -> tuple[str, ...]:
    """Return all model names: the built-in ones in a fixed order, then users' by entry point."""
    return tuple(_registry().models)


def offered_model_names() -> tuple[str, ...]:
    """Return the names of the models that a user may want, without those for tests."""
    return tuple(spec.name for spec in _registry().models.values() if spec.is_offered)


def default_model_names() -> tuple[str, ...]:
    """Return the names of the models that a run evaluates by default."""
    return tuple(spec.name for spec in _registry().models.values() if spec.enabled_by_default)


def get_model(name: str) -> ModelSpec:
    """Return the declaration of a model.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    """
    return _look_up(_registry().models, name, "model", offered_model_names())


def get_encoder(name: str) -> EncoderSpec:
    """Return the declaration of an encoder.

    Raises
    ------
    UnknownModelError
        If there is no such encoder.
    """
    offered = (get_model(model).encoder for model in offered_model_names())
    return _look_up(_registry().encoders, name, "encoder", dict.fromkeys(offered))


def known_costs() -> dict[str, float]:
    """Return the CPU seconds per hour of audio of each model whose encoder declares them."""
    registry = _registry()
    costs = {
        name: registry.encoders[model.encoder].cpu_seconds_per_hour
        for name, model in registry.models.items()
    }
    return {name: cost for name, cost in costs.items() if cost is not None}


def load_encoder(name: str, places: WeightPlaces = ONLY_WHEELS) -> Encoder:
    """Create an encoder for use by one thread.

    Parameters
    ----------
    places
        Places to search for its weights.

    Raises
    ------
    UnknownModelError
        If there is no such encoder.
    WeightsError
        If its weights are missing, or differ from those published or recorded.
    EncoderError
        If its factory cannot be found, its own code fails, or its fingerprint, sample rate, window
        or dimension is invalid.
    AudioAssetsError
        If its factory creates an encoder with a different name.
    """
    spec = get_encoder(name)
    with blaming(name, f"its factory {spec.factory} cannot be imported", _FIX_OR_INSTALL):
        factory = resolve_name(spec.factory)
    arguments: tuple[Path, ...] = ()
    if spec.source is not None:
        arguments = (find_weights(name, spec.source, places, model=_models_of(name)[0]).folder,)
    with blaming(name, f"its factory {spec.factory} creates no encoder", _FIX_OR_INSTALL):
        encoder: Encoder = factory(*arguments)
        made = encoder.name
        # Read here, so that later callers never see an error of the encoder's own code.
        faults = ((fingerprint_fault(encoder), _FINGERPRINT), (size_fault(encoder), None))
    if made != name:
        raise AudioAssetsError(
            f"encoder {name}: its factory {spec.factory} creates an encoder named {made}",
            "The name is the key of the embedding store; make the two equal.",
        )
    for fault, remedy in faults:
        if fault is not None:
            raise encoder_error(name, fault, remedy)
    return encoder


_REPORT = "Fix the cause, or report the error with the output of audio-assets --debug"
_FIX_OR_INSTALL = "Fix the cause, or install the dependencies of the package {package}"
_FINGERPRINT = (
    "Make the package {package} compute it with "
    "audio_assets.encoders.fingerprint.encoder_fingerprint from the SHA-256 of the weights "
    "and everything else that changes an embedding (embeddings are stored under it; if it does not "
    "change with the encoder, old embeddings are used)"
)


def encoder_error(name: str, what: str, remedy: str | None = None) -> EncoderError:
    """Return an error that names the encoder, its models and its package.

    Parameters
    ----------
    what
        The fault of its code.
    remedy
        The remedy, unless it is to fix the code; ``{package}`` stands for the package. The option
        of leaving out its models is added.
    """
    package = re.split("[.:]", get_encoder(name).factory)[0]
    if remedy is None:
        own = package == __name__.partition(".")[0]
        remedy = _REPORT if own else "Fix it in the package {package}"
    return EncoderError(
        f"encoder {name} (models: {', '.join(_models_of(name))}): {what}",
        f"{remedy.format(package=package)}; or leave the models out of AUDIO_ASSETS_MODELS.",
    )


@contextmanager
def blaming(name: str, what: str, remedy: str | None = None) -> Iterator[None]:
    """Turn errors of an encoder's code into errors that name it, so that others can continue.

    The project's own errors are raised unchanged, and so is a lack of memory.
    """
    try:
        yield
    # A worker process reports a lack of memory to its parent by its exit.
    except (AudioAssetsError, MemoryError):
        raise
    # An encoder that exits would end the program silently.
    except (Exception, SystemExit) as error:
        raise encoder_error(name, f"{what}: {type(error).__name__}: {error}", remedy) from error


def _models_of(encoder: str) -> list[str]:
    return [model.name for model in _registry().models.values() if model.encoder == encoder]


def _look_up(known: Mapping[str, _Spec], name: str, kind: str, offered: Iterable[str]) -> _Spec:
    if name not in known:
        names = sorted(offered)
        raise UnknownModelError(
            f"there is no {kind} {name!r}",
            f"{perhaps(name, names)}Known {kind}s: {', '.join(names)}.",
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
        # For any error in a user's module, the user needs to know the entry point.
        except (Exception, SystemExit) as error:
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
            raise TypeError(f"it is a {type(item).__name__}, not a ModelRegistration")
    return found
