"""What a user may do: the rights of the routes, and which tables of other domains may be read."""

from __future__ import annotations

from ....core.domains import domains
from ....core.errors import Forbidden
from ....faces.handler import Handler, access

read, write, _ = access("catalog")


def readable(handler: Handler) -> list[str]:
    """The domains that the user may read."""
    owners = {item.name: item.guarded_as for item in domains()}
    resources = handler.allowed("read", dict.fromkeys(owners.values()))
    return [name for name, resource in owners.items() if resource in resources]


def check_readable(handler: Handler, name: str) -> str:
    """The name as the catalog's verbs read it. Raises Forbidden for a table that needs a domain
    that the user may not read.
    """
    from ... import DatasetName

    if DatasetName.of(name).is_odd:
        name = handler.bench.catalog.asked(name)
    needed = handler.bench.catalog.needs(name) if may_be_of(name) else ()
    if not needed:
        return name
    allowed = readable(handler)
    if missing := [owner for owner in needed if owner not in allowed]:
        raise Forbidden(
            f"You may not read {name}.",
            f"The Jupyter server allows you the catalog, but not to read {' and '.join(missing)}.",
            "Ask whoever runs the server.",
        )
    return name


def may_be_of(name: str) -> str:
    """The domain that has tables in the namespace of a dataset; empty if there is none."""
    from ... import DatasetName

    namespace = DatasetName.parse(name).namespace
    return next((item.name for item in domains() if item.tables and item.name == namespace), "")
