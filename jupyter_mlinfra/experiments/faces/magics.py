"""Words of a magic that differ from those of the command line."""

from __future__ import annotations

from collections.abc import Sequence

Words = Sequence[str]


def alias(verb: str, words: Words) -> Words:
    """`%models promote flights/2 champion`."""
    if verb == "promote" and len(words) == 2 and not any(word.startswith("-") for word in words):
        return [words[0], "--alias", words[1]]
    return words
