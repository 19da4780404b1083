"""Views and features."""

from __future__ import annotations

from collections.abc import Mapping

from ....faces.cards import Card, card, said
from ....faces.rows import Row, row, row_of, rows_of
from ....faces.words import beginning, first, moment, number, plain, share, span, state
from ...definitions import WindowSpec
from ...spec import Entity, Feature, SavedSet, Service, ServiceDetail, View, ViewDetail


def tagged(tags: Mapping[str, str]) -> str:
    """Tags as they are searched and typed: `team=growth, gold`."""
    return plain([f"{name}={value}" if value else name for name, value in tags.items()])


@row(Feature)
def feature(item: Feature) -> Row:
    return {
        "feature": f"{item.view}:{item.name}",
        "type": item.type,
        "fill": share(item.fill),
        "used by": first(item.used_by),
        "note": beginning(item.description),
    }


@row(View)
def view(item: View) -> Row:
    return {
        "view": item.name,
        **({"kind": plain(item.kind)} if item.kind != "batch" else {}),
        **({"version": f"v{item.version}"} if item.version else {}),
        "entities": plain(item.entities),
        "features": plain(item.features),
        "ttl": span(item.ttl_seconds),
        "online": state(item.freshness),
        "newest online": moment(item.online_at),
        "dataset": plain(item.dataset),
        **({"deprecated": item.deprecated or "yes"} if item.deprecated is not None else {}),
        # A column of its own only where something is wrong.
        **({"problem": f"{item.problem} {item.fix}".strip()} if item.problem else {}),
    }


@card(ViewDetail)
def _view_detail(item: ViewDetail) -> Card:
    facts = dict(row_of(item.view)) | {
        "rows": number(item.rows),
        "keys": plain(item.join_keys),
        "time": item.timestamp_column,
        "pushed by": plain(item.push),
        "made from": plain(item.uses),
        "windows": plain([_window(window) for window in item.windows]),
        "services": plain(item.services),
        "versions": plain(item.versions),
        "owner": item.view.owner,
        "tags": tagged(item.view.tags),
        "description": beginning(item.view.description, 200),
    }
    if item.labels:
        facts |= {
            "labels": item.labels.policy.replace("_", " "),
            "labeler": item.labels.labeler,
            "labelers": plain(item.labels.priorities),
            "about": plain(item.labels.about),
        }
    facts.pop("view")
    return Card(
        title=item.view.name, ref=item.view.ref, facts=said(facts), rows=rows_of(item.features)
    )


def _window(item: WindowSpec) -> str:
    """What an aggregation computes."""
    over = "the whole past" if item.seconds is None else span(item.seconds)
    every = "" if item.slide in (None, item.seconds) else f" every {span(item.slide)}"
    return f"{item.feature} = {item.function} of {item.column} over {over}{every}"


@row(Service)
def service(item: Service) -> Row:
    return {
        "service": item.name,
        "features": beginning(", ".join(item.features)),
        "owner": plain(item.owner),
        "tags": tagged(item.tags),
        "logs": plain(item.logs),
        "note": beginning(item.description),
        **({"problem": item.problem} if item.problem else {}),
    }


@card(ServiceDetail)
def _service_detail(item: ServiceDetail) -> Card:
    facts = dict(row_of(item.service))
    facts.pop("service")
    if item.features:  # they are the rows
        facts.pop("features")
    return Card(
        title=item.service.name,
        ref=item.service.ref,
        facts=said(facts),
        rows=rows_of(item.features),
    )


@row(SavedSet, noun="saved training set")
def saved_set(item: SavedSet) -> Row:
    return {
        "name": item.name,
        "features": beginning(", ".join(item.features)),
        "keys": plain(item.keys),
        "service": plain(item.service),
        "stored": item.stored,
        "from": moment(item.first),
        "to": moment(item.last),
        "tags": tagged(item.tags),
    }


@row(Entity)
def entity(item: Entity) -> Row:
    return {
        "entity": item.name,
        "key": item.key,
        "type": item.type,
        "views": plain(item.views),
        "owner": plain(item.owner),
        "tags": tagged(item.tags),
        "note": beginning(item.description),
    }
