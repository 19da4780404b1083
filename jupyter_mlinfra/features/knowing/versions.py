"""What differs between two versions of a view, or two views."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from ..definitions import Column, Definition, WindowSpec
from ..pages import short_type
from .spec import ViewChange, ViewComparison
from .telling import lasting


def compare(before: Definition, after: Definition) -> ViewComparison:
    """See the record."""
    old, new = ({item.name: item for item in view.features} for view in (before, after))
    added, removed = ([name for name in a if name not in b] for a, b in ((new, old), (old, new)))
    retyped = {
        name: [short_type(old[name].type), short_type(new[name].type)]
        for name in old
        if name in new and old[name].type != new[name].type
    }
    facts = _facts(before), _facts(after)
    changes = [
        ViewChange(what=what, before=facts[0].get(what, ""), after=facts[1].get(what, ""))
        for what in dict.fromkeys([*facts[0], *facts[1]])
        if facts[0].get(what) != facts[1].get(what)
    ]
    code = _code(before, after)
    return ViewComparison(
        before=before.name,
        after=after.name,
        added=added,
        removed=removed,
        retyped=retyped,
        changes=changes,
        code=code,
        same=not (added or removed or retyped or changes or code),
    )


def _facts(view: Definition) -> dict[str, str]:
    """All else that a definition says, in words, by what it is about."""
    source = view.source
    facts = {
        "kind": view.kind.replace("_", " "),
        "entities": ", ".join(view.entities),
        "keys": ", ".join(f"{key.name} {short_type(key.type)}" for key in view.keys),
        "ttl": lasting(view.ttl) if view.ttl else "none",
        "online": "yes" if view.online else "no",
        "owner": view.owner,
        "description": view.description,
        "made from": ", ".join(view.uses),
        "pushed by": view.push,
    }
    if source is not None:
        facts |= {
            "source": f"{source.kind} {source.name}",
            "event time": source.time,
            "created time": source.created or "",
            "snapshot of the source": source.snapshot or "",
            **_named("column", {new: old for old, new in source.mapping.items()}),
            **_named("option", source.without_secrets().options),
        }
    if view.labels is not None:
        facts |= {
            "label policy": view.labels.policy.replace("_", " "),
            "labeler": view.labels.labeler,
            "labelers": ", ".join(view.labels.priorities),
        }
    facts |= _named("tag", view.tags)
    facts |= _named("window", {item.feature: _window(item) for item in view.windows})
    facts |= _of_columns(view.features)
    return {what: text for what, text in facts.items() if text}


def _named(what: str, items: Mapping[str, str]) -> dict[str, str]:
    return {f"{what} {name}": text or "set" for name, text in items.items()}


def _window(item: WindowSpec) -> str:
    over = "the whole past" if item.seconds is None else lasting(timedelta(seconds=item.seconds))
    every = f", every {lasting(timedelta(seconds=item.slide))}" if item.slide else ""
    return f"{item.function} of {item.column} over {over}{every}"


def _of_columns(columns: Sequence[Column]) -> dict[str, str]:
    """Descriptions and tags of the features."""
    facts = {f"description of {item.name}": item.description for item in columns}
    for item in columns:
        facts |= _named(f"tag of {item.name}", item.tags)
    return facts


def _code(before: Definition, after: Definition) -> str:
    """The lines of the transformation that differ, as a unified diff; empty if none do."""
    old, new = before.code.splitlines(), after.code.splitlines()
    return "\n".join(
        difflib.unified_diff(old, new, fromfile=before.name, tofile=after.name, lineterm="")
    )
