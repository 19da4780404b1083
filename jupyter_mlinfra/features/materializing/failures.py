"""The error at the end of a run in which some views failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.errors import MLInfraError

_MOST = 5  # views that are named, and causes that are told, of each kind


def raise_failures(
    failures: Mapping[str, MLInfraError], done: Sequence[str], chosen: Sequence[str]
) -> None:
    """Raise what failed, by view, if anything did: the error itself if only one view was chosen,
    else one of the kind of the first that names them all, with what was not tried.
    """
    if not failures:
        return
    first = next(iter(failures.values()))
    if len(chosen) == 1:
        raise first
    untried = [name for name in chosen if name not in failures and name not in done]
    causes: dict[str, list[str]] = {}
    for name, error in failures.items():
        causes.setdefault(f"{error.what} {error.why}".strip(), []).append(name)
    why = [f"{_listed(names)}: {cause}" for cause, names in list(causes.items())[:_MOST]]
    if len(causes) > _MOST:
        why.append(f"There are {len(causes) - _MOST} other causes.")
    if untried:
        why.append(f"Not tried: {_listed(untried)}.")
    elif done:
        why.append(f"Done: {_listed(done)}.")
    raise type(first)(
        f"Not materialized: {', '.join(failures)}.",
        " ".join(why),
        " ".join(dict.fromkeys(error.fix for error in failures.values() if error.fix)),
    ) from first


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")
