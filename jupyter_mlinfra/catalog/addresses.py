"""What is the address of another place rather than a path here: never shown, since a password may
stand anywhere in it, and never made a `Path`, which hides that it is an address.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..core.errors import BadRequest

OBJECTS = ("s3", "s3a")
DATABASES = ("postgresql", "postgres", "sqlite")
_MAGIC = "*?["
_ADDRESS = re.compile(r"(?P<scheme>(?:jdbc:)?[a-z][a-z0-9+.-]+):(?P<slashes>/+)", re.I)


def scheme_of(file: object) -> str:
    """The scheme of an address, in small letters; empty for a path."""
    found = _ADDRESS.match(str(file)) if isinstance(file, str | Path) else None
    # a `Path` makes one slash of two, and some write one
    if found is None or (len(found["slashes"]) == 1 and "@" not in str(file)):
        return ""
    return found["scheme"].lower()


def check_objects(file: object) -> None:
    """Raise BadRequest for the address of an object with a user or a password in it."""
    if isinstance(file, str) and scheme_of(file) in OBJECTS:
        bucket = file.partition("://")[2].partition("/")[0]
        if "@" in bucket or ":" in bucket:
            raise BadRequest(
                "The address of an object has a user or a password in it.",
                "After s3:// comes the bucket alone; the keys are those of the catalog.",
                "Leave it out, and put the keys into [catalog.properties].",
            )


def refuse_address(file: object) -> None:
    """Raise BadRequest for an address where only files here can be read."""
    if not (scheme := scheme_of(file)):
        return
    readable = scheme.partition("+")[0] in DATABASES or scheme in OBJECTS
    raise BadRequest(
        f"An address that begins with {scheme}:// is not a file.",
        "Only files of this machine can be read so.",
        "Bring it into a dataset with an ingest, and look at that."
        if readable
        else "Name a file, or ingest from postgresql://, sqlite:// or s3://.",
    )


def is_pattern(place: str) -> bool:
    """Whether a place has signs that stand for others."""
    return any(sign in place for sign in _MAGIC)


def base_of(place: str) -> str:
    """The longest prefix without such signs; the place itself if it has none."""
    base = place.rstrip("/")
    while is_pattern(base):
        base = base.rpartition("/")[0]
    return base


def may_meet(one: str, other: str) -> bool:
    """Whether an object may belong to both addresses, judged by the addresses alone."""
    first, second = (f"{base_of(address)}/" for address in (one, other))
    return first.startswith(second) or second.startswith(first)
