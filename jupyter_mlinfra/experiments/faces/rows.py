"""One row of a list, for each record."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.refs import named
from ...faces.rows import Row, row
from ...faces.words import beginning, moment, plain, span
from ..spec import Difference, Experiment, Model, Run, Version


@row(Difference, noun="difference")
def difference(item: Difference) -> Row:
    return {
        "kind": item.kind,
        "key": item.key,
        **{
            f"run {index + 1}": beginning(plain(value), 40)
            for index, value in enumerate(item.values)
        },
    }


@row(Experiment)
def experiment(item: Experiment) -> Row:
    return {"experiment": item.name, "runs": plain(item.runs), "updated": moment(item.updated_at)}


@row(Model)
def model(item: Model) -> Row:
    aliases = ", ".join(f"{alias} v{version}" for alias, version in item.aliases.items())
    return {
        "model": item.name,
        "versions": plain(item.versions),
        "aliases": plain(aliases),
        "updated": moment(item.updated_at),
        "note": beginning(item.description),
    }


@row(Run, measured=True)
def run(item: Run, metrics: Sequence[str] = ()) -> Row:
    return {
        "run": item.id[:8],
        "name": item.name,
        "status": item.status,
        **{name: plain(item.metrics.get(name)) for name in metrics},
        "started": moment(item.started_at),
        "took": span(item.duration_seconds),
        "versions": plain([named(ref, "version") for ref in item.versions]),
    }


@row(Version, measured=True)
def version(item: Version, metrics: Sequence[str] = ()) -> Row:
    return {
        "version": f"{item.model}/{item.version}",
        "aliases": plain(item.aliases),
        **{name: plain(item.metrics.get(name)) for name in metrics},
        "run": plain(item.run and item.run[:8]),
        "created": moment(item.created_at),
        "signature": plain(item.signature),
        "deployable": (
            beginning(f"no: {why}", 100) if (why := item.fault or item.unservable) else "yes"
        ),
    }
