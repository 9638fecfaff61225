"""Find mistakes in the layout of an audio root, each with its remedy.

These are pure functions over the counts of :mod:`audio_assets.catalog.folder_counts` and over the
names in the root: folders and buckets are treated alike. Without them, clips in a folder of another
name would be left out without a word.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from audio_assets.catalog.folder_counts import FileCount, FolderCounts, Path
from audio_assets.tables import VARIANTS
from audio_assets.tables.partition_keys import is_partition_key
from audio_assets.tables.task import PRESENCE

# In the order in which messages name them.
_CLASSES = _POS, _NEG = PRESENCE.positive, PRESENCE.negative
_WORDS = {
    _POS: "pos positive positives present presence yes true",
    _NEG: "neg negative negatives absent absence no false",
}
_LABEL_OF = {word: label for label, words in _WORDS.items() for word in words.split()}


@dataclass(frozen=True)
class Mistake:
    """A mistake in the layout.

    Attributes
    ----------
    what
        The folder, what it holds, and what is wrong with it.
    remedy
        What to do, as a sentence.
    """

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy[0].lower()}{self.remedy[1:].rstrip('.')}"


@dataclass(frozen=True)
class RootLayout:
    """Layout of an audio root.

    Attributes
    ----------
    of_root
        Mistakes of the root as a whole: it is one level too low or too high.
    not_species
        Folders that these mistakes name. They are no species, although their names would do.
    of_species
        Species -> its mistakes; without species that have none.
    clips
        Species -> (variant, label) -> number of files that are taken as clips.
    variants
        Variants that are read.
    """

    of_root: tuple[Mistake, ...]
    not_species: frozenset[str]
    of_species: Mapping[str, tuple[Mistake, ...]]
    clips: Mapping[str, Mapping[tuple[str, str], int]]
    variants: Collection[str] = VARIANTS

    def mistakes(self, species: Iterable[str]) -> list[Mistake]:
        """Return the mistakes of the root, then those of these species."""
        return [*self.of_root, *(m for name in species for m in self.of_species.get(name, ()))]

    def can_be_evaluated(self, species: str) -> bool:
        """Return whether a species has clips of both classes in one variant that is read."""
        return bool(_complete(self.clips.get(species, {}), self.variants))


def root_layout(
    root: str,
    counts: Mapping[str, FolderCounts],
    *,
    rejected: Collection[str] = (),
    audio: int = 0,
    variants: Collection[str] = VARIANTS,
) -> RootLayout:
    """Find the mistakes of a root and of its species.

    Parameters
    ----------
    root
        The root as messages name it.
    counts
        Folder in the root -> its counts, including folders that break the key rule.
    rejected
        Folders that break the key rule, which have a remedy of their own.
    audio
        Audio files directly in the root.
    variants
        Variants that are read.
    """
    too_low = {name for name in counts if _is_inside_species(name, counts[name])}
    too_high = {
        name: below
        for name in counts
        if name not in too_low and (below := _species_below(counts[name]))
    }
    no_species = not set(counts) - {*too_low, *too_high, *rejected}
    of_root = [
        *_too_low(root, {name: counts[name] for name in sorted(too_low)}),
        *_loose(root, audio, no_species=no_species and not too_low),
        *(_too_high(root, name, below) for name, below in sorted(too_high.items())),
    ]
    species = sorted(set(counts) - {*too_low, *too_high, *rejected})
    found = {name: species_mistakes(name, counts[name], variants) for name in species}
    return RootLayout(
        tuple(of_root),
        frozenset({*too_low, *too_high}),
        {name: mistakes for name, mistakes in found.items() if mistakes},
        {name: class_counts(counts[name]) for name in species},
        variants,
    )


def class_counts(counts: FolderCounts) -> dict[tuple[str, str], int]:
    """Return (variant, label) -> number of files in it, without empty folders."""
    found = {
        (v, label): counts.get((v, label), FileCount()) for v in VARIANTS for label in _CLASSES
    }
    return {place: count.files for place, count in found.items() if count.files}


def counts_in_words(clips: Mapping[tuple[str, str], int]) -> str:
    """Return "12 pos and 9 neg in data", and the same of each other variant with clips."""
    return "; ".join(
        " and ".join(f"{clips.get((variant, label), 0)} {label}" for label in _CLASSES)
        + f" in {variant}"
        for variant in VARIANTS
        if any(place[0] == variant for place in clips)
    )


def species_mistakes(
    species: str, counts: FolderCounts, variants: Collection[str] = VARIANTS
) -> tuple[Mistake, ...]:
    """Find the mistakes in the folder of one species.

    Folders whose names are unrelated to the layout may be there for a reason: they are named only
    if the species lacks clips of a class in all the ``variants`` that are read.
    """
    found = list(_unlisted(species, counts))
    found += _misplaced(species, counts)
    clips = class_counts(counts)
    if _complete(clips, variants):
        return tuple(found)
    found += _unread(species, clips)
    found += _unrelated(species, counts)
    if not found:
        found.append(_without_clips(species, clips, variants))
    return tuple(found)


def suggested_name(name: str) -> str:
    """Return a name like this one that may be a species: ``canis_lupus`` for ``Canis lupus``.

    Empty if no letter or digit of the name may be in one.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    kept = "".join(sign if is_partition_key(sign) else "_" for sign in plain)
    return "_".join(part for part in kept.split("_") if part).strip("-")


def _unlisted(species: str, counts: FolderCounts) -> Iterator[Mistake]:
    for path, count in sorted(counts.items()):
        if count.fault:
            yield Mistake(
                f"{_join(species, *path)} cannot be listed: {count.fault}",
                "Check that you may read it.",
            )


def _misplaced(species: str, counts: FolderCounts) -> Iterator[Mistake]:
    """Yield the folders that are meant to be a class or a variant and are not where they belong."""
    wrong: Counter[Path] = Counter()
    deeper: Counter[Path] = Counter()
    for path, count in counts.items():
        if not count.audio:
            continue
        if path[:1] and path[0] in VARIANTS and path[1:2] and path[1] in _CLASSES:
            if len(path) > 2:
                deeper[path[:2]] += count.audio
        elif len(path) < 2 and (not path or path[0] in VARIANTS):
            yield Mistake(
                f"{_join(species, *path)} holds {_files(count.audio)} outside "
                f"{_POS!r} and {_NEG!r}, which are not used",
                f"Move them into {_join(species, *(path or VARIANTS[:1]), _POS)} or "
                f"{_join(species, *(path or VARIANTS[:1]), _NEG)}.",
            )
        elif path and _is_meant(path):
            wrong[path[: 2 if path[0] in VARIANTS else 1]] += count.audio
    for path, number in sorted(wrong.items()):
        yield _renamed(species, path, number, counts)
    for path, number in sorted(deeper.items()):
        place = _join(species, *path)
        yield Mistake(
            f"{place} holds {_files(number)} in folders below it, which are not used",
            f"Move them into {place} itself, under names that differ.",
        )


def _is_meant(path: Path) -> bool:
    if path[0] in VARIANTS:
        return _label(path[1]) is not None
    return _label(path[0]) is not None or _variant(path[0]) is not None


def _renamed(species: str, path: Path, number: int, counts: FolderCounts) -> Mistake:
    *folder, name = path
    what = f"{_join(species, *folder)} holds {name!r} with {_files(number)}"
    if folder:
        target, shown = (*folder, str(_label(name))), str(_label(name))
    elif (variant := _variant(name)) is not None:
        target, shown = (variant,), variant
    else:
        label = str(_label(name))
        target = (VARIANTS[0], label)
        place = _join(species, *target)
        if any(path[:2] == target for path in counts):
            return Mistake(f"{what}, outside {VARIANTS[0]!r}", f"Move them into {place}.")
        return Mistake(f"{what}, outside {VARIANTS[0]!r}", f"Move it to {place}.")
    if any(path[: len(target)] == target for path in counts):
        return Mistake(what, f"Move them into {_join(species, *target)}, which exists.")
    return Mistake(what, f"Rename it to {shown!r}.")


def _complete(clips: Mapping[tuple[str, str], int], variants: Collection[str]) -> list[str]:
    """Return the variants among these that have clips of both classes."""
    return [v for v in VARIANTS if v in variants and all(clips.get((v, c), 0) for c in _CLASSES)]


def _unread(species: str, clips: Mapping[tuple[str, str], int]) -> Iterator[Mistake]:
    """Yield the variants that have clips of both classes, if none of them is read."""
    for variant in _complete(clips, VARIANTS):
        places = " and ".join(_join(species, VARIANTS[0], label) for label in _CLASSES)
        yield Mistake(
            f"{species} has clips of both classes only in {variant!r}, which no available model "
            "reads",
            f"Put clips into {places}, or enable a model that reads {variant!r} and install its "
            "weights.",
        )


def _unrelated(species: str, counts: FolderCounts) -> Iterator[Mistake]:
    """Yield the folders with audio whose names say nothing about their class."""
    found: Counter[Path] = Counter()
    for path, count in counts.items():
        if count.audio and path and not (len(path) == 1 and path[0] in VARIANTS):
            place = path[: 2 if path[0] in VARIANTS else 1]
            if not _is_meant(place):
                found[place] += count.audio
    for path, number in sorted(found.items()):
        *folder, name = path
        where = _join(species, *(folder or VARIANTS[:1]))
        yield Mistake(
            f"{_join(species, *folder)} holds {name!r} with {_files(number)}, "
            f"which is neither {_POS!r} nor {_NEG!r}",
            f"Move its clips into {where}/{_POS} or {where}/{_NEG}.",
        )


def _without_clips(
    species: str, clips: Mapping[tuple[str, str], int], variants: Collection[str]
) -> Mistake:
    variant = next((variant for variant, _ in clips if variant in variants), VARIANTS[0])
    empty = [_join(species, variant, label) for label in _CLASSES if (variant, label) not in clips]
    if len(empty) == len(_CLASSES):
        return Mistake(f"{species} has no clips", f"Put clips into {' and '.join(empty)}.")
    return Mistake(
        f"{empty[0]} has no clips, so that there is nothing to compare with",
        f"Put clips into {empty[0]}.",
    )


def _is_inside_species(name: str, counts: FolderCounts) -> bool:
    """Return whether a folder in the root is a variant or a class rather than a species."""
    firsts = {path[0] for path, count in counts.items() if path and count.audio}
    if firsts & {*VARIANTS}:
        return False
    has_classes = any(_label(first) is not None for first in firsts)
    if _variant(name) is not None:
        return has_classes
    return _label(name) is not None and not has_classes and () in counts and counts[()].audio > 0


def _species_below(counts: FolderCounts) -> dict[Path, set[str]]:
    """Return folder -> the species in it, if a folder in the root holds species folders."""
    found: dict[Path, set[str]] = {}
    for path, count in counts.items():
        if not count.audio or not path or path[0] in VARIANTS or _is_meant(path):
            continue
        for n in range(len(path) - 1):
            if path[n + 1] in _CLASSES and path[n] in VARIANTS and n > 0:
                found.setdefault(path[: n - 1], set()).add(path[n - 1])
                break
    return found if not any(path and path[0] in VARIANTS for path in counts) else {}


def _too_low(root: str, counts: Mapping[str, FolderCounts]) -> Iterator[Mistake]:
    if not counts:
        return
    held = [
        f"{name!r} with {_files(sum(count.audio for count in found.values()))}"
        for name, found in counts.items()
    ]
    what = f"{root} holds {' and '.join(held)} directly"
    is_variant = any(_variant(name) is not None for name in counts)
    if is_variant:
        yield Mistake(
            f"{what}: it is the folder of one species",
            f"Set AUDIO_ASSETS_AUDIO_ROOT to the folder above it, {_above(root, 1)}.",
        )
    elif posixpath.basename(root.rstrip("/")) in VARIANTS:
        yield Mistake(
            f"{what}: it is the {posixpath.basename(root.rstrip('/'))!r} of one species",
            f"Set AUDIO_ASSETS_AUDIO_ROOT to {_above(root, 2)}.",
        )
    else:
        places = [f"{{species}}/{VARIANTS[0]}/{_label(name)}" for name in counts]
        yield Mistake(
            f"{what}, outside the folder of a species",
            f"Move {'them' if len(places) > 1 else 'it'} to {' and '.join(places)} there, "
            "with the name of the species.",
        )


def _loose(root: str, audio: int, *, no_species: bool) -> Iterator[Mistake]:
    if not audio:
        return
    end = posixpath.basename(root.rstrip("/"))
    what = f"{root} holds {_files(audio)} directly, which are not used"
    if no_species and end in _CLASSES and posixpath.basename(_above(root, 1)) in VARIANTS:
        yield Mistake(
            f"{what}: it is the {end!r} of one species",
            f"Set AUDIO_ASSETS_AUDIO_ROOT to {_above(root, 3)}.",
        )
        return
    place = f"{{species}}/{VARIANTS[0]}"
    yield Mistake(what, f"Move them into {place}/{_POS} and {place}/{_NEG} there.")


def _too_high(root: str, name: str, below: Mapping[Path, set[str]]) -> Mistake:
    folder = min(below)
    species = sorted(below[folder])
    shown = ", ".join(species[:3]) + (" and others" if len(species) > 3 else "")
    place = _join(root.rstrip("/"), name, *folder)
    return Mistake(
        f"{_join(name, *folder)} holds species folders ({shown}) and is not a species",
        f"Set AUDIO_ASSETS_AUDIO_ROOT to {place}, or move them up into {root}.",
    )


def _label(name: str) -> str | None:
    return _LABEL_OF.get(name.strip().casefold())


def _variant(name: str) -> str | None:
    """Return the variant that a folder is meant to be, whatever its case and hyphens."""
    plain = name.strip().casefold().replace("-", "_").replace(" ", "_")
    return plain if plain in VARIANTS else None


def _above(root: str, levels: int) -> str:
    for _ in range(levels):
        root = posixpath.dirname(root.rstrip("/"))
    return root


def _files(number: int) -> str:
    return f"{number} audio file{'' if number == 1 else 's'}"


def _join(*parts: str) -> str:
    return "/".join(parts)
