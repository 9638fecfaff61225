"""Where TensorFlow is missing, the error says what to do, also where there is none to install."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from audio_assets.encoders import tensorflow_runtime
from audio_assets.encoders.tensorflow_runtime import INSTALL, how_to_install, require_tensorflow
from audio_assets.errors import AudioAssetsError

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))[
    "project"
]
NONE_FOR = [
    ((3, 14), "linux", "x86_64"),
    ((3, 14), "win32", "AMD64"),
    ((3, 13), "darwin", "x86_64"),
]
FOR = [((3, 11), "linux", "x86_64"), ((3, 13), "win32", "AMD64"), ((3, 13), "darwin", "arm64")]


@pytest.mark.parametrize(("python", "system", "machine"), [*NONE_FOR, *FOR])
def test_the_extra_has_tensorflow_where_the_error_says_to_install_it(python, system, machine):
    (wanted,) = (
        one
        for one in map(Requirement, PROJECT["optional-dependencies"]["tensorflow"])
        if one.name == "tensorflow"
    )
    environment = {
        "python_version": "{}.{}".format(*python),
        "sys_platform": system,
        "platform_machine": machine,
    }
    assert wanted.marker is not None
    said = how_to_install(python, system, machine)
    assert wanted.marker.evaluate(environment) is (said == INSTALL)
    assert (said == INSTALL) is ((python, system, machine) in FOR)


@pytest.mark.parametrize(
    ("python", "system", "machine", "words"),
    [
        ((3, 14), "linux", "x86_64", "no release of TensorFlow for Python 3.14: use Python 3.11"),
        ((3, 11), "darwin", "x86_64", "Macs with an Intel processor"),
    ],
)
def test_where_there_is_none_the_error_says_what_to_use(python, system, machine, words):
    assert words in how_to_install(python, system, machine)


def test_an_encoder_that_needs_it_says_so(monkeypatch):
    def missing(name):
        raise tensorflow_runtime.PackageNotFoundError(name)

    monkeypatch.setattr(tensorflow_runtime, "version", missing)
    with pytest.raises(AudioAssetsError, match="(?s)vggish runs on TensorFlow.*not installed"):
        require_tensorflow("vggish")


def test_neither_an_installation_nor_the_demo_needs_it():
    required = {Requirement(one).name for one in PROJECT["dependencies"]}
    assert not {"tensorflow", "keras", "kagglehub"} & required
