"""The rule for names of species and models, which become partition keys and folder names."""

import re

KEY_RULE = "^[a-z0-9_-]+$"

# Dagster does not validate dynamic keys: one with a "|" silently vanishes from the product of
# species and models.
_KEY = re.compile(r"[a-z0-9_-]+")


def is_partition_key(name: str) -> bool:
    """Return whether ``name`` may be a species or a model."""
    return _KEY.fullmatch(name) is not None
