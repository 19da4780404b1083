"""Words of a magic that differ from those of the command line."""

from __future__ import annotations

from collections.abc import Sequence

Words = Sequence[str]


def parameters(verb: str, words: Words) -> Words:
    """`%pipeline run flights seed=2`: what looks like NAME=VALUE is a parameter."""
    if verb not in ("run", "explain", "backfill"):
        return words
    found: list[str] = []
    for word in words:
        expects = bool(found) and found[-1] in ("-p", "-r", "--parameter", "--raw")
        found += (
            ["-p", word] if "=" in word and not word.startswith("-") and not expects else [word]
        )
    return found
