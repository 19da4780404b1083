"""Words of a magic that differ from those of the command line."""

from __future__ import annotations

from collections.abc import Sequence

Words = Sequence[str]


def parameters(verb: str, arguments: Words) -> Words:
    """`%pipeline run churn depth=6`: what looks like NAME=VALUE is a parameter."""
    if verb not in ("run", "explain", "backfill"):
        return arguments
    found: list[str] = []
    for argument in arguments:
        expects = bool(found) and found[-1] in ("-p", "-r", "--parameter", "--raw")
        found += (
            ["-p", argument]
            if "=" in argument and not argument.startswith("-") and not expects
            else [argument]
        )
    return found
