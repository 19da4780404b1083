"""What a step takes and makes: references (`dataset:ns.t`) and files, in normal form."""

from __future__ import annotations

import os.path
import re
from difflib import get_close_matches
from functools import cache
from pathlib import PurePosixPath

from ..core.domains import domains
from ..core.errors import BadRequest
from ..core.refs import Ref

_PREFIX = re.compile(r"(?P<kind>[a-z]{2,}):(?P<name>.*)\Z", re.DOTALL)


@cache
def kinds() -> tuple[str, ...]:
    """Kinds of things that a step can take or make; anything else is a file."""
    return tuple(kind.name for item in domains() for kind in item.kinds if kind.fingerprint)


def kind_of(reference: str) -> str:
    """The kind of a normalized reference; `file` for a path."""
    kind, colon, _ = reference.partition(":")
    return kind if colon and kind in kinds() else "file"


def name_of(reference: str) -> str:
    """The name for its domain, with its `@version`; the path itself for a file."""
    if kind_of(reference) == "file":
        return reference
    ref = Ref.parse(reference)
    return f"{ref.name}@{ref.at}" if ref.at else ref.name


def normalize(text: str, *, folder: PurePosixPath) -> str:
    """The normal form of a reference or path, so that two steps that mean the same thing are
    written the same.

    folder: of the pipeline file, below the project; a relative path starts there, and the result is
    relative to the project. Raises BadRequest for an empty text, an unknown kind, a missing name,
    or a path that leaves the project by `..`.
    """
    text = text.strip()
    found = _PREFIX.match(text)
    if found and found["kind"] in kinds():
        try:
            return str(Ref.parse(text))
        except BadRequest:
            raise BadRequest(
                f"{text!r} names nothing.",
                fix=f"Write {found['kind']}:NAME; a space in a name is %20.",
            ) from None
    if found and found["kind"] != "file":
        close = get_close_matches(found["kind"], [*kinds(), "file"], n=1)
        fix = (
            f"Did you mean {close[0]}:{found['name']}?"
            if close
            else f"Use one of {', '.join(kinds())}; a file of that name is file:{text}"
        )
        raise BadRequest(
            f"{found['kind']!r} is not a kind of thing.",
            "The word before the colon says what it is.",
            fix,
        )
    path = found["name"] if found else text
    if not path or "\0" in path:
        raise BadRequest("An empty path names nothing.", fix="Write a path, or remove the entry.")
    if path.startswith("/"):
        return os.path.normpath(path)
    plain = os.path.normpath(folder / path)
    if plain == ".." or plain.startswith("../"):
        raise BadRequest(
            f"{path} is outside the project.",
            "A relative path stays below the project.",
            "Write an absolute path to take a file from elsewhere.",
        )
    return plain


def feeds(made: str, reference: str) -> bool:
    """Whether making `made` produces (part of) `reference`.

    A name is produced by itself, and a version of it (`model:m@champion`) also by the bare name. A
    file is produced by itself and by its folder, a folder by what is made in it.
    """
    if made == reference:
        return True
    if kind_of(made) != kind_of(reference):
        return False
    if kind_of(made) == "file":
        return _inside(made, reference) or _inside(reference, made)
    return "@" not in made and reference.partition("@")[0] == made


def overlap(first: str, second: str) -> bool:
    """Whether two outputs are the same thing, or one is inside the other."""
    return first == second or (
        kind_of(first) == kind_of(second) == "file"
        and (_inside(first, second) or _inside(second, first))
    )


def _inside(inner: str, outer: str) -> bool:
    return outer == "." or inner.startswith(outer.rstrip("/") + "/")
