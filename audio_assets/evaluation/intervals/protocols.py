"""The evaluation protocols by name."""

from audio_assets.evaluation.intervals.cross_validation import CrossValidation
from audio_assets.evaluation.intervals.fixed_test_set import FixedTestSet
from audio_assets.evaluation.intervals.protocol import EvaluationProtocol

_PROTOCOLS: tuple[EvaluationProtocol, ...] = (CrossValidation(), FixedTestSet())


def find_protocol(name: str) -> EvaluationProtocol:
    """Find a protocol by its name.

    Raises
    ------
    ValueError
        There is no such protocol; the message names those that exist.
    """
    for protocol in _PROTOCOLS:
        if protocol.name == name:
            return protocol
    known = ", ".join(protocol.name for protocol in _PROTOCOLS)
    raise ValueError(f"there is no protocol {name!r}; there are {known}")
