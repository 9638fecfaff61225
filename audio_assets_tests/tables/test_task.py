"""The classes of a task, and that nothing else spells their names."""

import ast
from pathlib import Path

import numpy as np
import pytest

import audio_assets
from audio_assets.tables import LABELS, task
from audio_assets.tables.task import PRESENCE, BinaryTask

PACKAGE = Path(str(audio_assets.__file__)).parent


def test_the_names_of_classes_are_spelled_in_one_module() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != Path(task.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in PRESENCE.classes
    ]
    assert found == [], "ask audio_assets.tables.task.PRESENCE"


def test_published_labels_and_folders_are_called_neg_and_pos() -> None:
    assert LABELS == PRESENCE.classes == ("neg", "pos")


def test_classes_stand_at_the_place_of_their_number() -> None:
    labels = np.array(["neg", "pos", "pos"])
    numbers = PRESENCE.is_positive(labels).astype(int)
    assert [PRESENCE.classes[number] for number in numbers] == labels.tolist()


def test_a_class_has_a_word_and_the_other_class() -> None:
    assert [PRESENCE.word(label) for label in LABELS] == ["negative", "positive"]
    assert [PRESENCE.other(label) for label in LABELS] == ["pos", "neg"]


@pytest.mark.parametrize("ask", [PRESENCE.word, PRESENCE.other])
def test_a_label_of_no_class_is_an_error_that_names_the_classes(ask) -> None:
    with pytest.raises(ValueError, match="has the classes neg and pos, not 'maybe'"):
        ask("maybe")


@pytest.mark.parametrize(("negative", "positive"), [("a", "a"), ("", "a"), ("a", "")])
def test_a_task_needs_two_classes_with_names(negative: str, positive: str) -> None:
    with pytest.raises(ValueError, match="class"):
        BinaryTask("calls", negative=negative, positive=positive)
