"""The feature store in the search: every view and every feature, and what their tags are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..core.refs import reference
from ..core.search import Document, Facets, Part
from .definitions import Column, Definition, Registered, ServiceSpec
from .pages import short_type, words_of


def labels_of(tags: Mapping[str, str]) -> list[str]:
    """Tags by one name each: `team=risk`, or `gold` for one without a value."""
    return [f"{name}={value}" if value else name for name, value in tags.items()]


def is_meant(label: str, tag: str) -> bool:
    """Whether a tag that is asked for is this one: its name, its value or `name=value`."""
    return tag == label or tag in label.split("=", 1)


def has_tags(view: Definition, column: Column | None, tags: Sequence[str]) -> bool:
    """Whether a view, or one of its features, has all of these tags; a feature has those of its
    view too.
    """
    return tagged({**view.tags, **(column.tags if column else {})}, tags)


def tagged(own: Mapping[str, str], tags: Sequence[str]) -> bool:
    """Whether all of these tags are among its own."""
    labels = labels_of(own)
    return all(any(is_meant(label, tag) for label in labels) for tag in tags)


def all_labels(views: Iterable[Definition]) -> frozenset[str]:
    """What the tags of views and features are called."""
    return frozenset(
        label
        for view in views
        for tags in (view.tags, *(column.tags for column in view.features))
        for label in labels_of(tags)
    )


def narrowing(labels: Collection[str], *, owner: Sequence[str], tag: Sequence[str]) -> Facets:
    """The facets of a search: one of these owners, all of these tags. labels: all that there are,
    if tags are asked for.
    """
    facets: list[tuple[str, Sequence[str]]] = [("owner", owner)] if owner else []
    return facets + [
        ("tag", sorted(label for label in labels if is_meant(label, word))) for word in tag
    ]


def parts(found: Registered, names: Sequence[str]) -> Iterator[Part]:
    """The documents of these views and services (`service:NAME`)."""
    for name in names:
        if view := found.views.get(name):
            yield Part(name=name, documents=list(_documents(view)))
        elif service := found.services.get(name.removeprefix("service:")):
            yield Part(name=name, documents=[_service(service)])


def _service(service: ServiceSpec) -> Document:
    words = f"{service.owner} {service.description} {words_of(service.tags)}"
    return Document(
        ref=reference("service", service.name),
        kind="service",
        name=service.name,
        text=f"{' '.join(service.features)} {words}",
        detail=_many(len(service.features)),
        facets={"owner": (service.owner,), "tag": labels_of(service.tags)},
    )


def _many(count: int) -> str:
    return "1 feature" if count == 1 else f"{count:,} features"


def _documents(view: Definition) -> Iterator[Document]:
    notes = (
        f"{' '.join(view.entities)} {view.owner} {view.description} {words_of(view.tags)}"
        f" {view.source.name if view.source else ''}"
    )
    names = " ".join(column.name for column in view.features)
    entities = f" of {', '.join(view.entities)}" if view.entities else ""
    tags = labels_of(view.tags)
    old = "" if view.deprecated is None else ", deprecated"
    yield Document(
        ref=reference("view", view.name),
        kind="view",
        name=view.name,
        text=f"{names} {notes}",
        detail=f"{_many(len(view.features))}{entities}{old}",
        facets={"owner": (view.owner,), "tag": tags},
    )
    for column in view.features:
        yield Document(
            ref=reference("feature", view.name, column.name),
            kind="feature",
            name=column.name,
            text=f"{view.name} {column.description} {words_of(column.tags)} {notes}",
            detail=f"{view.name}, {short_type(column.type)}{old}",
            facets={"owner": (view.owner,), "tag": [*tags, *labels_of(column.tags)]},
        )
