"""Which metrics, parameters and tags the runs have: a misspelt key would silently sort by nothing,
and a bare name in a filter may be several of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..core.errors import BadRequest
from .facts import RunFacts
from .matching import values_of
from .query import Field, Kind, Not, Predicate, Sort, parse_sort
from .source import Source

_WORDS = {"metric": "metrics", "param": "params", "tag": "tags"}


def check_keys(
    source: Source, experiment: str | None, sorts: Sequence[Sort], first_runs: Sequence[RunFacts]
) -> None:
    """Raise BadRequest for a metric, parameter or tag that no run of the experiment has, while its
    runs have others of that kind.

    first_runs: the first runs in that order. They usually suffice, because runs without a value
    come last.
    """
    for sort in sorts:
        if (
            not first_runs
            or sort.field.kind == "attribute"
            or any(values_of(sort.field, run) for run in first_runs)
        ):
            continue
        ordered = source.runs(experiment, None, (sort,), None, 1).runs
        if ordered and not values_of(sort.field, ordered[0]):
            _refuse(sort.field, [*first_runs, *ordered])


def kinds_of(source: Source, experiment: str | None, name: str) -> list[Kind]:
    """As what the runs of an experiment have this name."""
    newest = parse_sort("-started")
    kinds: tuple[Kind, ...] = ("metric", "param", "tag")
    return [
        kind
        for kind in kinds
        if source.runs(experiment, Not(Predicate(Field(kind, name), "null")), newest, None, 1).runs
    ]


def _refuse(field: Field, runs: Sequence[RunFacts]) -> None:
    word = _WORDS[field.kind]
    keys = sorted({key for run in runs for key in _values_by_key(field, run)})
    others = sorted(
        {
            f"{other}.{field.key}"
            for other in _WORDS.values()
            for run in runs
            if field.key in getattr(run, other)
        }
    )
    if not keys and not others:
        return  # nothing was logged yet
    suggestions = others or [f"{word}.{key}" for key in get_close_matches(field.key, keys, n=1)]
    existing = f"{word.capitalize()}: {', '.join(keys[:20]) or 'none'}."
    raise BadRequest(
        f"No run has {word}.{field.key}.",
        existing,
        f"Did you mean {suggestions[0]}?" if suggestions else "Sort by one of them, or by started.",
    )


def _values_by_key(field: Field, run: RunFacts) -> Mapping[str, Any]:
    held: Mapping[str, Any] = getattr(run, _WORDS[field.kind])
    return held
