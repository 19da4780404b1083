"""Code that makes training sets of views and features. Each piece runs as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.records import PAGE_LIMIT
from ..core.refs import Ref
from ..core.snippets import Snippets, arguments, line, literal, python, reading, snippets, text

if TYPE_CHECKING:
    from ..workbench import Workbench
    from .definitions import Column, Definition, ServiceSpec

_DATASETS_TRIED = 20
"""Datasets that are tried for an example."""


def views(refs: Sequence[Ref]) -> Snippets:
    """A training set of all features of the views, as they are or as they were."""
    return _training([f"{ref.name}@{ref.at}:*" if ref.at else f"{ref.name}:*" for ref in refs])


def services(refs: Sequence[Ref]) -> Snippets:
    """A training set of all features of the services."""
    return _training([f"service:{ref.name}" for ref in refs])


def saved_sets(refs: Sequence[Ref]) -> Snippets:
    """The rows of training sets that Feast saved; the last one is shown."""
    return _from_feast([f"get_saved_dataset({literal(ref.name)}).to_df()" for ref in refs])


def entities(refs: Sequence[Ref]) -> Snippets:
    """Feast's own objects of entities; the last one is shown."""
    return _from_feast([f"get_entity({literal(ref.name)})" for ref in refs])


def service_code(service: ServiceSpec) -> Snippets:
    """The code of a service's page."""
    return _training([f"service:{service.name}"])


def features(refs: Sequence[Ref]) -> Snippets:
    """A training set of the features."""
    return _training([ref.name for ref in refs])


def training_code(names: Sequence[str], definitions: Sequence[Definition] = ()) -> str:
    """Python for a training set; it begins with example rows, which users replace by their own.
    definitions: of the views, whose keys are then named.
    """
    keys = list(dict.fromkeys(key.name for view in definitions for key in view.keys))
    # A comment ends with its line, whatever a key is called.
    columns = ", ".join(key if key.isprintable() else text(key) for key in keys)
    note = f": {columns}, event_timestamp" if keys else ""
    return python(
        f"features = {_list(names)}\n"
        f"entities = ml.features(features).examples()  # put your own rows here{note}\n"
        "train = ml.features(features).train(entities)\n"
        "train.collect()"
    )


@reading("catalog")
def example(bench: Workbench) -> Snippets:
    """Code that defines and applies a view over a dataset of the project; empty if none of them has
    a key, a moment and numbers.
    """
    from .example import definition_of

    for dataset in bench.catalog.list(limit=_DATASETS_TRIED, domains=()).items:
        if code := definition_of(dataset.name, bench.catalog.show(dataset.name).schema):
            return snippets(python=python(code))
    return {}


@reading("catalog")
def start(bench: Workbench, *, dataset: str) -> Snippets:
    """The text that the definition of a view over a dataset starts from. Raises NotFound, and
    Unprocessable for a dataset that lacks what a view needs.
    """
    from .starting import definition_from

    found = bench.catalog.show(dataset)
    taken = [view.name for view in bench.features.views(limit=PAGE_LIMIT).items]
    entities = bench.features.entities(limit=PAGE_LIMIT).items
    return snippets(python=definition_from(found.dataset, found.schema, entities, taken))


def online(_: Workbench, *, view: str, entity: dict[str, Any]) -> Snippets:
    """The newest values of one entity of a view. entity: its join keys."""
    refs = [f"{view}:*"]
    code = python(f"ml.features({literal(refs)}).online({arguments(entity)})")
    if any("=" in key for key in entity):
        return snippets(python=code)  # a line has KEY=VALUE
    keys = [word for key, value in entity.items() for word in ("--key", f"{key}={value}")]
    return snippets(
        python=code,
        magic=line("%features online", *refs, options=keys),
        cli=line("mlinfra features online", *refs, options=keys),
    )


def view_code(view: Definition, keys: Sequence[Column]) -> Snippets:
    """The code of a view's page. keys: those that it is asked by."""
    name = f"{view.name}:*"
    code = {**_training([name]), "python": training_code([name], [view])}
    if not view.online and view.kind != "on_demand":
        return code
    given = [(column.name, _example(column.type)) for column in (*keys, *view.asks)]
    options = [word for key, value in given for word in ("--key", f"{key}={value}")]
    return snippets(**code, online=line("mlinfra features online", name, options=options))


def _from_feast(calls: Sequence[str]) -> Snippets:
    lines = ["store = ml.feature_store().feast()", *(f"store.{call}" for call in calls)]
    return snippets(python=python("\n".join(lines)))


def _training(names: Sequence[str]) -> Snippets:
    return snippets(
        python=training_code(names),
        magic=line("%features use", *names),
        cli=line("mlinfra features use", *names),
    )


def _list(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return literal(list(names))
    return "[\n" + "".join(f"    {text(name)},\n" for name in names) + "]"


def _example(feast_type: str) -> str:
    return "1" if feast_type.startswith("INT") else "VALUE"
