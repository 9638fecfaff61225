import json
from pathlib import Path

import pytest

from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.cli.dotenv_text import dotenv_text
from audio_assets.errors import SettingsError
from audio_assets.models import registry
from audio_assets.models.registry import EncoderSpec
from audio_assets.settings import (
    DEFAULT_SPECIES_CLASSES,
    PREFIX,
    Settings,
    load_settings,
    setting_sources,
    shown_settings,
)


@pytest.fixture(autouse=True)
def _clean_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_an_unknown_setting_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_FOLD", "5")
    with pytest.raises(SettingsError, match="AUDIO_ASSETS_FOLD"):
        load_settings()


def test_an_unknown_setting_in_dotenv_is_named(tmp_path):
    (tmp_path / ".env").write_text("AUDIO_ASSETS_FOLD=5\n")
    with pytest.raises(SettingsError, match="AUDIO_ASSETS_FOLD"):
        load_settings()


def test_what_kubernetes_says_of_services_is_no_setting(monkeypatch):
    # Those of a service audio-assets and of one audio-assets-dagster-webserver, as a pod sees them.
    for name, value in {
        "SERVICE_HOST": "10.8.3.4",
        "SERVICE_PORT": "3030",
        "SERVICE_PORT_GRPC": "3030",
        "PORT": "tcp://10.8.3.4:3030",
        "PORT_3030_TCP": "tcp://10.8.3.4:3030",
        "PORT_3030_TCP_PROTO": "tcp",
        "PORT_3030_TCP_PORT": "3030",
        "PORT_3030_TCP_ADDR": "10.8.3.4",
        "DAGSTER_WEBSERVER_SERVICE_HOST": "10.8.3.5",
        "DAGSTER_WEBSERVER_PORT_80_TCP": "tcp://10.8.3.5:80",
    }.items():
        monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)
    monkeypatch.setenv("AUDIO_ASSETS_FOLDS", "4")
    assert load_settings().folds == 4
    monkeypatch.setenv("AUDIO_ASSETS_SERVICE", "owl")
    with pytest.raises(SettingsError, match=r"Unknown setting: AUDIO_ASSETS_SERVICE\n"):
        load_settings()


def test_a_dotenv_that_is_no_utf_8_is_an_error_that_names_it(tmp_path):
    (tmp_path / ".env").write_bytes("AUDIO_ASSETS_AUDIO_ROOT=/Käuze\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"\.env is no UTF-8"):
        load_settings()


def test_an_empty_webhook_is_none(monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_WEBHOOK_URL", "")
    assert load_settings().webhook_url is None


def test_other_variables_in_dotenv_are_left_to_others(tmp_path):
    (tmp_path / ".env").write_text("DAGSTER_HOME=/somewhere\nAUDIO_ASSETS_FOLDS=4\n")
    assert load_settings().folds == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRAINING_SIZES", "[-1]"),
        ("TRAINING_SIZES", "[]"),
        ("TRAINING_SIZES", "4,x"),
        ("TRAINING_SIZES", "4,,8"),
        ("MODELS", "birdnet,nonsense"),
        ("MODELS", "['birdnet']"),
        ("MODELS", "{}"),
        ("SPECIES_CLASSES", "coyote"),
        ("SPECIES_CLASSES", "[]"),
        ("MODELS", '["birdnet", "nonsense"]'),
        ("MODELS", "[]"),
        ("RESULTS_ROOT", ""),
        ("FOLDS", "1"),
        ("FOLDS", "many"),
        ("REPEATS", "0"),
        ("SEED", "-1"),
        ("CI_LEVEL", "1"),
        ("CI_LEVEL", "95"),
        ("TARGET_AUC", "0"),
        ("QUARANTINE_WARN_SHARE", "5"),
        ("QUARANTINE_WARN_SHARE", "nan"),
        ("QUARANTINE_ERROR_SHARE", "-0.1"),
        ("QUARANTINE_ERROR_SHARE", "0.01"),
        ("MIN_SECONDS", "nan"),
        ("MAX_SECONDS", "0.1"),
        ("MAX_SAMPLES", "0"),
        ("SPECIES", '["a|b"]'),
        ("RECORDING_PATTERNS", '["(unclosed"]'),
        ("RECORDING_PATTERNS", '["no group"]'),
        ("PROTOCOL", "none"),
        ("DUPLICATE_ENCODER", "nonsense"),
        ("DUPLICATE_COSINE", "0"),
        ("DUPLICATE_COSINE", "1.01"),
        ("HOLDOUT_PER_CLASS", "0"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_setting(monkeypatch, name, value):
    monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert name.lower() in caught.value.what.lower()
    assert caught.value.remedy


def test_every_wrong_setting_is_named_at_once(monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_FOLDS", "0")
    monkeypatch.setenv("AUDIO_ASSETS_SEED", "-3")
    with pytest.raises(SettingsError, match=r"FOLDS.*SEED"):
        load_settings()


def test_the_source_of_each_value_is_known(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("AUDIO_ASSETS_FOLDS=4\nAUDIO_ASSETS_SEED=1\n")
    monkeypatch.setenv("AUDIO_ASSETS_SEED", "2")
    sources = setting_sources()
    assert load_settings().seed == 2
    assert sources["seed"] == "environment"
    assert sources["folds"] == ".env"
    assert sources["repeats"] == "default"
    assert set(sources) == set(Settings.model_fields) == set(shown_settings(load_settings()))


def test_every_setting_has_a_description():
    assert all(field.description for field in Settings.model_fields.values())


def test_sizes_are_sorted_and_distinct():
    assert load_settings(training_sizes=(16, 4, 16)).training_sizes == (4, 16)


def test_the_example_file_names_every_setting_and_loads(tmp_path):
    example = Path(__file__).parents[1] / ".env.example"
    lines = example.read_text().splitlines()
    given = [line.removeprefix("#") for line in lines if line.removeprefix("#").startswith(PREFIX)]
    names = {line.split("=")[0].removeprefix(PREFIX).lower() for line in given}
    assert names == set(Settings.model_fields)
    (tmp_path / ".env").write_text("\n".join(given))
    loaded = load_settings()
    assert loaded.recording_patterns == DEFAULT_RECORDING_PATTERNS
    assert loaded.training_sizes == Settings.model_fields["training_sizes"].default


def test_class_labels_of_an_unknown_encoder_are_refused_with_the_known_ones():
    with pytest.raises(SettingsError) as refused:
        load_settings(species_classes={"coyote": {"BirdNET": ["Canis latrans_Coyote"]}})
    assert "SPECIES_CLASSES: coyote: there is no encoder 'BirdNET'" in refused.value.what
    assert "birdnet" in refused.value.what


def test_class_labels_of_a_users_own_encoder_are_taken(monkeypatch):
    own = EncoderSpec("mine", "my_package:Mine", "MIT", "none")
    monkeypatch.setitem(registry._registry().encoders, "mine", own)
    loaded = load_settings(species_classes={"coyote": {"mine": ["coyote"]}})
    assert loaded.species_classes["coyote"]["mine"] == ["coyote"]


def test_class_labels_add_to_the_default(monkeypatch):
    owl = {"birdnet": ["Strix aluco_Tawny Owl"]}
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES_CLASSES", json.dumps({"owl": owl}))
    assert load_settings().species_classes == {**DEFAULT_SPECIES_CLASSES, "owl": owl}


def test_class_labels_replace_those_of_their_species_and_encoder_and_an_empty_list_removes_them():
    other = {"birdnet": ["Canis lupus_Gray Wolf"]}
    given = {"coyote": other, "bullfrog": {"birdnet": []}}
    loaded = load_settings(species_classes=given).species_classes
    assert loaded["coyote"] == other and loaded["bullfrog"] == {}
    assert loaded["human_vocal"] == DEFAULT_SPECIES_CLASSES["human_vocal"]
    assert DEFAULT_SPECIES_CLASSES["coyote"] == {"birdnet": ["Canis latrans_Coyote"]}


@pytest.mark.parametrize("text", ['["birdnet", "svm"]', "birdnet,svm", " birdnet , svm, "])
def test_lists_are_json_or_have_commas(monkeypatch, text):
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", text)
    monkeypatch.setenv("AUDIO_ASSETS_TRAINING_SIZES", "8, 4")
    loaded = load_settings()
    assert loaded.models == ("birdnet", "svm") and loaded.training_sizes == (4, 8)


def test_a_comma_within_a_pattern_separates_nothing(monkeypatch):
    own = r"^(?P<recording>\w{1,3})[,;]\,x"
    monkeypatch.setenv("AUDIO_ASSETS_RECORDING_PATTERNS", f"default, {own}")
    assert load_settings().recording_patterns == (*DEFAULT_RECORDING_PATTERNS, own)


def test_an_empty_list_is_empty(monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", "")
    assert load_settings().species == ()


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("MODELS", "birdnett", "Perhaps you mean birdnet?"),
        ("DUPLICATE_ENCODER", "perhc", "Perhaps you mean perch or perch_v2?"),
        ("PROTOCOL", "holdot", "Perhaps you mean holdout?"),
        ("LOG_FORMAT", "JSN", "Perhaps you mean json?"),
        ("PERCH_VARIANT", "data5s", "Perhaps you mean data_5s or data?"),
        ("SPECIES_CLASSES", '{"owl": {"birdnt": ["x"]}}', "Perhaps you mean birdnet?"),
    ],
)
def test_a_wrong_value_names_the_setting_and_its_nearest_neighbours(
    monkeypatch, name, value, nearest
):
    monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    assert wrong.value.what.startswith(f"AUDIO_ASSETS_{name}: ") and nearest in wrong.value.what
    assert "placeholder" not in wrong.value.what


def test_an_unknown_setting_names_its_nearest_neighbour(monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_FOLD", "5")
    with pytest.raises(SettingsError) as unknown:
        load_settings()
    assert unknown.value.remedy == "Perhaps you mean AUDIO_ASSETS_FOLDS? Correct or remove it."


def test_the_example_file_is_the_one_that_init_writes():
    example = Path(__file__).parents[1] / ".env.example"
    assert example.read_text() == dotenv_text(), "call python docs/settings_page.py"


def test_default_in_a_list_of_patterns_stands_for_the_default():
    own = "^(?P<recording>site)"
    loaded = load_settings(recording_patterns=("default", own))
    assert loaded.recording_patterns == (*DEFAULT_RECORDING_PATTERNS, own)
    assert load_settings(recording_patterns=(own,)).recording_patterns == (own,)
