"""Checks that a sort order names what the runs have: a misspelt key would silently order them by
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..core.errors import BadRequest
from .facts import RunFacts
from .matching import values_of
from .query import Field, Sort
from .source import Source

_WORDS = {"metric": "metrics", "param": "params", "tag": "tags"}


def check_keys(
    source: Source, experiment: str | None, sorts: Sequence[Sort], found: Sequence[RunFacts]
) -> None:
    """Raise BadRequest for a metric, parameter or tag that no run of the experiment has, while its
    runs have others of that kind.

    found: the first runs in that order; since runs without a value come last, they usually suffice.
    """
    for sort in sorts:
        if (
            not found
            or sort.field.kind == "attribute"
            or any(values_of(sort.field, run) for run in found)
        ):
            continue
        ordered = source.runs(experiment, None, (sort,), None, 1).runs
        if ordered and not values_of(sort.field, ordered[0]):
            _refuse(sort.field, [*found, *ordered])


def _refuse(field: Field, runs: Sequence[RunFacts]) -> None:
    word = _WORDS[field.kind]
    known = sorted({key for run in runs for key in _held(field, run)})
    others = sorted(
        {
            f"{other}.{field.key}"
            for other in _WORDS.values()
            for run in runs
            if field.key in getattr(run, other)
        }
    )
    if not known and not others:
        return  # nothing was logged yet
    near = others or [f"{word}.{key}" for key in get_close_matches(field.key, known, n=1)]
    have = f"{word.capitalize()}: {', '.join(known[:20]) or 'none'}."
    raise BadRequest(
        f"No run has {word}.{field.key}.",
        have,
        f"Did you mean {near[0]}?" if near else "Sort by one of them, or by started.",
    )


def _held(field: Field, run: RunFacts) -> Mapping[str, Any]:
    held: Mapping[str, Any] = getattr(run, _WORDS[field.kind])
    return held
