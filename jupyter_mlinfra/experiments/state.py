"""How the aliases of a model move; decided only here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..core.errors import BadRequest

CHAMPION, ROLLBACK = "champion", "rollback"
_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
_RESERVED = re.compile(r"latest\Z|v\d+\Z")


def moved(aliases: Mapping[str, int], *, alias: str, version: int) -> dict[str, int]:
    """The aliases to write, in this order, so that `alias` names `version`.

    A replaced champion stays available as `rollback`, which is written first: a crash between the
    two leaves the old champion. Raises BadRequest if `alias` is not valid.
    """
    if not _ALIAS.match(alias) or _RESERVED.match(alias):
        raise BadRequest(
            f"{alias!r} cannot be an alias.",
            "An alias is small letters, digits, - and _; `latest` and v1, v2, … are taken.",
            f"For example {CHAMPION} or candidate.",
        )
    current = aliases.get(alias)
    if current == version:
        return {}
    if alias == CHAMPION and current is not None:
        return {ROLLBACK: current, CHAMPION: version}
    return {alias: version}
