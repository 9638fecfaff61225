"""What an evaluation protocol is asked for, and that nothing else asks which one it is."""

import ast
from pathlib import Path

import pytest

import audio_assets
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.tables import PROTOCOLS

PACKAGE = Path(str(audio_assets.__file__)).parent


def test_every_protocol_of_the_tables_is_found_by_its_name() -> None:
    assert [find_protocol(name).name for name in PROTOCOLS] == list(PROTOCOLS)


def test_an_unknown_protocol_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no protocol 'loo'; there are cv, holdout"):
        find_protocol("loo")


def compared_names(source: str) -> list[int]:
    """Lines that compare something with the name of a protocol."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare | ast.MatchValue)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in PROTOCOLS
    ]


def test_nothing_compares_the_name_of_a_protocol() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in compared_names(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'protocol == "cv"',
        'row["protocol"] != "holdout"',
        'protocols == {"holdout"}',
        'protocol in ("cv", "other")',
        'match protocol:\n    case "cv":\n        pass',
    ],
)
def test_the_search_for_such_comparisons_finds_each_form(source: str) -> None:
    assert compared_names(source)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_only_a_fixed_test_set_refuses_intervals_from_resampled_recordings(name: str) -> None:
    protocol = find_protocol(name)
    assert bool(protocol.why_no_bootstrap()) == (not protocol.has_folds)
