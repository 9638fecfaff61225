"""Set the signature of a function to one that Dagster can read.

Dagster resolves the annotations of assets and checks when the code location is loaded. Those of
tables name pandas, which is only imported for type checkers, since importing it takes a second.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def with_parameters(function: F, annotations: Mapping[str, Any]) -> F:
    """Set the signature of a function that Dagster calls with arguments by name.

    Parameters
    ----------
    annotations
        By parameter; :data:`typing.Any` for a table.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(name, kind, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function
