"""Models are looked up by name; a registration that breaks a rule names its entry point."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from audio_assets.embeddings.batching import EncoderPool
from audio_assets.encoders.base import Encoded
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import (
    AudioAssetsError,
    EncoderError,
    MissingWeightsError,
    UnknownModelError,
    WeightsError,
)
from audio_assets.models import registry
from audio_assets.models.heads import HEADS
from audio_assets.models.registry import (
    EncoderSpec,
    ModelRegistration,
    ModelSpec,
    default_model_names,
    get_encoder,
    get_model,
    known_costs,
    load_encoder,
    model_names,
    offered_model_names,
)
from audio_assets.tables.partition_keys import is_partition_key
from audio_assets.weights.places import WeightPlaces
from audio_assets.weights.sources import WeightFile, WeightSource

ENCODER = EncoderSpec("mine", "users_models:MyEncoder", "MIT", "none")
MODEL = ModelSpec("mine", "mine", "logistic", "data", True, "Mine")
POINT = EntryPoint("my-entry", "users_models:declared", registry.ENTRY_POINT_GROUP)


class MyEncoder(PlaceholderEncoder):
    name = "mine"


def test_the_declared_costs_are_those_of_the_documented_table():
    page = (Path(__file__).parents[2] / "docs" / "speed.md").read_text()
    section = page.split("## Cost of each encoder")[1].split("##")[0]
    rows = re.findall(r"\| `(\w+)` \| ([\d.]+) ", section)
    documented = {encoder: float(cost) for encoder, cost in rows}
    costs = known_costs()
    assert len(documented) == 5
    assert {get_model(model).encoder: cost for model, cost in costs.items()} == documented
    assert costs["svm"] == costs["random_forest"] and "perch" not in costs


@pytest.fixture
def users_models(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A user's module; what its attribute ``declared`` holds is what the entry point names."""
    module = ModuleType("users_models")
    monkeypatch.setitem(sys.modules, "users_models", module)
    module.MyEncoder = MyEncoder  # type: ignore[attr-defined]
    return module


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, users_models: ModuleType) -> Iterator[ModuleType]:
    """The user's package is installed, and registers ``mine``."""
    users_models.declared = ModelRegistration(MODEL, ENCODER)  # type: ignore[attr-defined]
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [POINT])
    registry._registry.cache_clear()
    yield users_models
    registry._registry.cache_clear()


def test_the_models_are_the_documented_ones() -> None:
    on = ("birdnet", "perch", "vgg", "mobilenet", "resnet", "random_forest", "svm")
    off = ("yamnet", "vggish", "perch_v2", "placeholder")
    assert model_names()[: len(on + off)] == on + off
    assert default_model_names()[: len(on)] == on
    assert not set(off) & set(default_model_names())


@pytest.mark.parametrize("name", ["birdnet", "random_forest", "svm", "placeholder"])
def test_every_model_has_an_encoder_that_loads_and_a_head_that_exists(name: str) -> None:
    model = get_model(name)
    assert is_partition_key(model.name)
    assert model.head in HEADS
    assert load_encoder(model.encoder).name == model.encoder
    assert get_encoder(model.encoder).licence


def test_an_encoder_is_made_anew_for_each_caller() -> None:
    assert load_encoder("placeholder") is not load_encoder("placeholder")


@pytest.mark.parametrize("look_up", [get_model, get_encoder, load_encoder])
def test_an_unknown_name_lists_the_known_ones(look_up: object) -> None:
    with pytest.raises(UnknownModelError, match="(?s)'owlnet'.*birdnet.*yamnet"):
        look_up("owlnet")  # type: ignore[operator]


@pytest.mark.parametrize("look_up", [get_model, get_encoder])
def test_an_unknown_name_suggests_the_nearest_and_not_what_tests_need(look_up: object) -> None:
    with pytest.raises(UnknownModelError) as unknown:
        look_up("BirdNETT")  # type: ignore[operator]
    assert unknown.value.remedy.startswith("Perhaps you mean birdnet? Known ")
    assert "placeholder" not in unknown.value.remedy
    assert "placeholder" not in offered_model_names() and "birdnet" in offered_model_names()


def test_a_users_model_is_found_and_used(installed: ModuleType) -> None:
    assert model_names()[-1] == "mine"
    assert "mine" in default_model_names()
    assert isinstance(load_encoder(get_model("mine").encoder), MyEncoder)


def test_an_entry_point_may_declare_several_models_of_one_encoder(
    installed: ModuleType,
) -> None:
    other = replace(MODEL, name="mine_svm", head="svm")
    installed.declared = (  # type: ignore[attr-defined]
        ModelRegistration(MODEL, ENCODER),
        ModelRegistration(other, ENCODER),
        ModelRegistration(replace(MODEL, name="birdnet_svm", encoder="birdnet"), registry._BIRDNET),
    )
    assert model_names()[-3:] == ("mine", "mine_svm", "birdnet_svm")


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (ModelRegistration(replace(MODEL, name="birdnet"), ENCODER), "already is a model birdnet"),
        (ModelRegistration(replace(MODEL, name="My|Model"), ENCODER), "does not match"),
        (ModelRegistration(MODEL, replace(ENCODER, name="Mine")), "does not match"),
        (ModelRegistration(MODEL, replace(ENCODER, name="other")), "registers other"),
        (
            ModelRegistration(replace(MODEL, encoder="mfcc"), replace(ENCODER, name="mfcc")),
            "already is another encoder mfcc",
        ),
        (ModelRegistration(replace(MODEL, variant="data_9s"), ENCODER), "data_9s"),
        (
            ModelRegistration(replace(MODEL, head="logistik"), ENCODER),
            "'logistik', which is not a head; the heads are logistic, ",
        ),
        ((ModelRegistration(MODEL, ENCODER),) * 2, "already is a model mine"),
        ("birdnet", "str, not a ModelRegistration"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_registration_that_breaks_a_rule_names_its_entry_point(
    declared: object, why: str, users_models: ModuleType
) -> None:
    users_models.declared = declared  # type: ignore[attr-defined]
    with pytest.raises(AudioAssetsError, match=f"(?s)my-entry.*{why}"):
        registry._collect([POINT])


def test_an_entry_point_that_cannot_be_imported_is_named() -> None:
    point = EntryPoint("my-entry", "no_such_module:declared", registry.ENTRY_POINT_GROUP)
    with pytest.raises(AudioAssetsError, match="my-entry.*no_such_module"):
        registry._collect([point])


def test_a_factory_that_is_not_there_is_an_error_of_its_encoder(installed: ModuleType) -> None:
    del installed.MyEncoder  # type: ignore[attr-defined]
    with pytest.raises(AudioAssetsError, match="encoder mine.*users_models:MyEncoder"):
        load_encoder("mine")


@pytest.mark.parametrize("where", ["factory", "fingerprint"])
def test_what_the_code_of_an_encoder_raises_names_it_and_its_package(
    where: str, installed: ModuleType
) -> None:
    def fails(*_: object) -> str:
        raise FileNotFoundError(2, "No such file or directory", "/models/mine/weights.onnx")

    broken = (
        fails
        if where == "factory"
        else type("Broken", (), {"name": "mine", where: property(fails)})
    )
    installed.MyEncoder = broken  # type: ignore[attr-defined]
    with pytest.raises(EncoderError) as caught:
        load_encoder("mine")
    for part in ("encoder mine (models: mine)", "users_models:MyEncoder", "FileNotFoundError"):
        assert part in caught.value.what
    assert "/models/mine/weights.onnx" in caught.value.what
    assert "dependencies of the package users_models" in caught.value.remedy
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_fault_that_an_encoder_names_itself_stays_as_it_is(installed: ModuleType) -> None:
    fault = WeightsError("my weights are missing", "Copy them.")

    def fails() -> object:
        raise fault

    installed.MyEncoder = fails  # type: ignore[attr-defined]
    with pytest.raises(WeightsError) as caught:
        load_encoder("mine")
    assert caught.value is fault


@pytest.mark.parametrize(
    "fingerprint",
    ["", "v1", "../../x", "f" * 63, "F" * 64, "0" * 64 + "\n", b"0" * 64, None],
    ids=repr,
)
def test_only_64_hex_digits_are_a_fingerprint(fingerprint: object, installed: ModuleType) -> None:
    installed.MyEncoder = type("Mine", (MyEncoder,), {"fingerprint": fingerprint})  # type: ignore
    with pytest.raises(EncoderError) as caught:
        load_encoder("mine")
    assert caught.value.what.startswith("encoder mine (models: mine): its fingerprint ")
    assert "is not 64 hex digits" in caught.value.what
    assert "the package users_models compute it with" in caught.value.remedy
    assert "audio_assets.encoders.fingerprint.encoder_fingerprint" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate", 0),
        ("sample_rate", -16_000),
        ("sample_rate", 16_000.0),
        ("sample_rate", "16000"),
        ("sample_rate", True),
        ("dimension", 0),
        ("dimension", None),
        ("window_seconds", 0),
        ("window_seconds", -1.0),
        ("window_seconds", 1e-9),
        ("window_seconds", float("nan")),
        ("window_seconds", float("inf")),
        ("window_seconds", "3"),
    ],
)
def test_an_encoder_of_impossible_sizes_is_refused_by_name(
    name: str, value: object, installed: ModuleType
) -> None:
    attributes = {"fingerprint": "0" * 64, name: value}
    installed.MyEncoder = type("Mine", (MyEncoder,), attributes)  # type: ignore[attr-defined]
    with pytest.raises(EncoderError, match=f"encoder mine .*: its {name} {value!r} ") as caught:
        load_encoder("mine")
    assert "Fix it in the package users_models" in caught.value.remedy


def test_sizes_may_be_numbers_of_numpy(installed: ModuleType) -> None:
    attributes = {"sample_rate": np.int64(8000), "dimension": np.int32(16), "window_seconds": 1}
    attributes |= {"fingerprint": "0" * 64}
    installed.MyEncoder = type("Mine", (MyEncoder,), attributes)  # type: ignore[attr-defined]
    assert load_encoder("mine").sample_rate == 8000


def test_a_fault_of_encode_names_the_package_of_the_user(installed: ModuleType) -> None:
    class Broken(MyEncoder):
        def encode(self, windows: object) -> Encoded:
            raise RuntimeError("no session")

    installed.MyEncoder = Broken  # type: ignore[attr-defined]
    with pytest.raises(EncoderError) as caught:
        EncoderPool(lambda: load_encoder("mine")).encode(np.zeros((1, 16_000), np.float32))
    assert caught.value.what == (
        "encoder mine (models: mine): its encode fails: RuntimeError: no session"
    )
    assert "Fix it in the package users_models; or leave the models out" in caught.value.remedy


def test_a_factory_that_exits_is_an_error_of_its_encoder(installed: ModuleType) -> None:
    installed.MyEncoder = lambda: sys.exit("no licence")  # type: ignore[attr-defined]
    with pytest.raises(EncoderError, match="creates no encoder: SystemExit: no licence"):
        load_encoder("mine")


def test_missing_weights_of_an_encoder_name_a_model_that_the_command_knows(
    installed: ModuleType, tmp_path: Path
) -> None:
    source = WeightSource((WeightFile("a.npz", "https://publisher.example/a.npz"),), "the lab")
    encoder = replace(ENCODER, name="enc2", source=source)
    model = replace(MODEL, name="srcmodel", encoder="enc2")
    installed.declared = ModelRegistration(model, encoder)  # type: ignore[attr-defined]
    with pytest.raises(MissingWeightsError) as caught:
        load_encoder("enc2", WeightPlaces(cache=tmp_path))
    (named,) = re.findall(r"weights fetch --model (\w+)", caught.value.remedy)
    assert get_model(named).encoder == "enc2"


def test_a_factory_that_makes_another_encoder_is_refused(installed: ModuleType) -> None:
    installed.MyEncoder = PlaceholderEncoder  # type: ignore[attr-defined]
    with pytest.raises(AudioAssetsError, match="creates an encoder named placeholder"):
        load_encoder("mine")
