"""Random values for fields of headers, and the file that comes of them."""

from dataclasses import dataclass

import numpy as np

from audio_assets_tests.audio.steps import Heard

LENGTHS = (0.65, 1.15, 2.15, 3.0)
"""Seconds of the sounds."""


@dataclass(frozen=True)
class Fuzzed:
    """A changed file, and what has to be heard where it is used."""

    kind: str
    name: str
    data: bytes
    heard: Heard
    rate: int


@dataclass(frozen=True)
class Field:
    """A number in a header: where it stands, in bytes, and in which order of bytes."""

    name: str
    at: int
    size: int
    order: str = "little"

    def read(self, data: bytes | bytearray) -> int:
        """Its value."""
        return int.from_bytes(data[self.at : self.at + self.size], self.order)  # type: ignore

    def write(self, data: bytearray, value: int) -> None:
        """Set its value, of which the lowest bits are kept."""
        value &= (1 << 8 * self.size) - 1
        data[self.at : self.at + self.size] = value.to_bytes(self.size, self.order)  # type: ignore


def other_value(value: int, bits: int, rng: np.random.Generator) -> int:
    """A value as mistakes, placeholders and decay make them; at times the same one."""
    top = 1 << bits
    kind = int(rng.integers(9))
    if kind == 0:
        return int.from_bytes(rng.bytes(8), "little") % top
    if kind == 1:
        return value ^ 1 << int(rng.integers(bits))
    if kind == 2:
        return (value + int(rng.integers(-50, 51))) % top
    if kind == 3:
        return (value * int(rng.choice([2, 3, 4, 10]))) % top
    if kind == 4:
        return value // int(rng.choice([2, 3, 4, 10]))
    if kind == 5:
        return int(rng.integers(0, 300)) % top
    if kind == 6:
        return (top - 1 - int(rng.choice([0, 8, 36, 44]))) % top
    if kind == 7:
        return (top // 2 - int(rng.choice([0, 1, 36, 44, 4_096]))) % top
    return int(rng.integers(0, min(2 * value + 2, 2**63 - 1))) % top


def change(data: bytearray, fields: list[Field], rng: np.random.Generator) -> list[str]:
    """Change one to three of the fields; what was changed, in words."""
    count = min(len(fields), int(rng.choice([1, 1, 1, 2, 3])))
    said = []
    for index in rng.choice(len(fields), size=count, replace=False):
        field = fields[int(index)]
        old = field.read(data)
        field.write(data, other_value(old, 8 * field.size, rng))
        said.append(f"{field.name} {old:#x} to {field.read(data):#x}")
    return said
