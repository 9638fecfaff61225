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


def test_nothing_in_the_evaluation_and_the_pipeline_compares_the_name_of_a_protocol() -> None:
    found = []
    for folder in ("evaluation", "pipeline"):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                compared = isinstance(node, ast.Compare) and [node.left, *node.comparators]
                for one in compared or ():
                    if isinstance(one, ast.Constant) and one.value in PROTOCOLS:
                        found.append(f"{path.name}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("name", PROTOCOLS)
def test_only_a_fixed_test_set_refuses_intervals_from_resampled_recordings(name: str) -> None:
    protocol = find_protocol(name)
    assert bool(protocol.why_no_bootstrap()) == (not protocol.has_folds)
