"""What a short magic means: its words as words of the command line."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence

from ..core.domain import Magic, load
from ..core.domains import domains
from ..core.errors import BadRequest

Words = Sequence[str]


def magics() -> Mapping[str, Magic]:
    """The short magics by name."""
    return {magic.name: magic for item in domains() for magic in item.magics}


def words_of(magic: Magic, words: Words) -> list[str]:
    """The command line that a line of a short magic means. Raises BadRequest for a verb that is
    nearly one of its own.
    """
    if not words or (list(words) == ["status"] and "status" in verbs_of(magic)):
        return [magic.group, magic.bare]
    if words[0].startswith("-"):
        return (
            [magic.group, magic.bare, *words]
            if words[0] not in ("-h", "--help")
            else [magic.group, "--help"]
        )
    rewrite: Callable[[str, Words], Words] = (
        load(magic.rewrite) if magic.rewrite else lambda _, words: words
    )
    if words[0] in verbs_of(magic):
        verb = magic.aliases.get(words[0], words[0])
        return [magic.group, verb, *rewrite(words[0], words[1:])]
    # `show` takes one name: where a second word follows, the first is a verb.
    named = len(words) == 1 or words[1].startswith("-")
    near = [] if named else difflib.get_close_matches(words[0], verbs_of(magic), n=1, cutoff=0.75)
    if near and magic.other == "show":
        raise BadRequest(
            f"%{magic.name} has no {words[0]}.", fix=f"Perhaps: %{magic.name} {near[0]}"
        )
    return [magic.group, magic.other, *rewrite(magic.other, words)]


def verbs_of(magic: Magic) -> list[str]:
    """The verbs that may come first in a line."""
    return [*magic.verbs, *magic.aliases]


def split(line: str) -> list[str]:
    """The words of a line, quoted as in a shell. Raises BadRequest."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise BadRequest(
            "The line cannot be read.",
            f"{error}.",
            "Close the quote, or put text with quotes into quotes of the other kind.",
        ) from None
