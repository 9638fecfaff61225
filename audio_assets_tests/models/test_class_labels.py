"""Searches of class labels."""

from audio_assets.models.class_labels import find_labels, nearest_labels

LABELS = (
    "Bubo virginianus_Great Horned Owl",
    "Canis latrans_Coyote",
    "Gallus gallus_Domestic Fowl",
    "Strix aluco_Tawny Owl",
)


def test_labels_are_found_by_common_and_scientific_names_in_any_case() -> None:
    assert find_labels(LABELS, "COYOTE") == ["Canis latrans_Coyote"]
    assert find_labels(LABELS, "strix aluco") == ["Strix aluco_Tawny Owl"]
    assert find_labels(LABELS, "Strix aluco_Tawny Owl") == ["Strix aluco_Tawny Owl"]
    assert find_labels(LABELS, "owl, horned") == ["Bubo virginianus_Great Horned Owl"]


def test_labels_with_the_whole_word_come_first() -> None:
    assert find_labels(LABELS[2:], "owl") == [LABELS[3], LABELS[2]]


def test_the_nearest_label_of_a_mistyped_name_is_suggested() -> None:
    assert nearest_labels(LABELS, "coyotte") == ["Canis latrans_Coyote"]
    assert nearest_labels(LABELS, "Strix alluco") == ["Strix aluco_Tawny Owl"]
    assert nearest_labels(LABELS, "zzzz") == []
