"""Inputs of models that are personal data: they come from a column tagged `pii`.

Lineage tells which datasets and views models were made from, and a deployment which views it reads.
An input is known by the name that the column, or the feature that is made from it, has there. It is
masked like those that the setting `masked_inputs` names, as soon as the column is tagged.
"""

from __future__ import annotations

import contextlib
import glob
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..core.errors import MLInfraError
from .rows import read_deployments
from .settings import DeploymentSettings

if TYPE_CHECKING:
    from ..core.lineage import Edge
    from ..core.project import Project
    from ..features import Features
    from .packaging import Bundle

_TABLES = ("dataset:", "view:", "feature:")
_EVERY = "*"
_SECONDS = 60.0
"""So long tags are believed that another project may have changed, and so long they are not asked
for again that could not be read.
"""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is not shown in one project. patterns: of inputs. any: whether an input of a deployment
    is among them, so that nothing is shown that may repeat a value.
    """

    patterns: tuple[str, ...]
    any: bool


@dataclass(slots=True)
class _Known:
    """What was found last. event: the newest one then."""

    edges: Sequence[Edge] = ()
    event: int = -1
    until: float = 0.0
    hidden: Hidden = Hidden((), False)
    features: Features | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_known: WeakKeyDictionary[Project, _Known] = WeakKeyDictionary()


def hidden_inputs(project: Project) -> Hidden:
    """Patterns of the inputs whose values are not shown: those of the settings, and the names of
    those that come from a column tagged `pii`. If the tags cannot be read, no value is shown.
    """
    known = _known.setdefault(project, _Known())
    with known.lock:
        edges, event = project.lineage.edges(), project.events.last_id()
        if known.edges is edges and known.event == event and monotonic() < known.until:
            return known.hidden
        known.hidden = _found(project, known, edges)
        known.edges, known.event, known.until = edges, event, monotonic() + _SECONDS
        return known.hidden


def _found(project: Project, known: _Known, edges: Sequence[Edge]) -> Hidden:
    from .requests import is_masked

    given = tuple(project.settings.of(DeploymentSettings).masked_inputs)
    bundles = _bundles(project)
    views = {view["name"] for bundle in bundles for view in bundle.features.get("views", ())}
    try:
        names = _names(project, known, edges, views)
    except MLInfraError:
        names = frozenset({_EVERY})
    own = tuple(sorted(name if name == _EVERY else glob.escape(name) for name in names))
    inputs = {item.name for bundle in bundles for item in [*bundle.inputs, *bundle.columns]}
    asked = any(is_masked(name, own) for name in inputs) if own else False
    return Hidden((*given, *own), bool(given) or asked)


def _names(
    project: Project, known: _Known, edges: Sequence[Edge], views: Collection[str]
) -> frozenset[str]:
    """The names of columns and features that hold personal data, of what models are made from."""
    near = _made_from(edges)
    read = _all_above(near, [ref for ref in near if not ref.startswith(_TABLES)])
    found = set[str]()
    if datasets := sorted(
        ref.removeprefix("dataset:") for ref in read if ref.startswith("dataset:")
    ):
        from ..catalog import deleted_columns, personal_columns

        there = personal_columns(project, datasets, dropped=True)
        gone = deleted_columns(project, datasets)
        tagged = {
            f"dataset:{name}": {*there.get(name, ()), *gone.get(name, ())} for name in datasets
        }
        _follow(edges, tagged)
        found.update(*tagged.values())
    asked = {ref.split(":")[1] for ref in read if ref.startswith(("view:", "feature:"))} | {*views}
    if asked:
        if known.features is None:
            from ..features import Features

            known.features = Features(project)
        found |= known.features.personal(asked)
    return frozenset(found)


def _made_from(edges: Sequence[Edge]) -> dict[str, set[str]]:
    """What each object was made from, by its reference without a version."""
    from ..core.lineage.edges import plain

    near = dict[str, set[str]]()
    for edge in edges:
        near.setdefault(plain(edge.output), set()).add(plain(edge.input))
    return near


def _all_above(near: dict[str, set[str]], begin: Sequence[str]) -> set[str]:
    """Everything that these were made from, at any distance."""
    todo, reached = list(begin), set[str]()
    while todo:
        for ref in near.get(todo.pop(), ()):
            if ref not in reached:
                reached.add(ref)
                todo.append(ref)
    return reached


def _follow(edges: Sequence[Edge], tagged: dict[str, set[str]]) -> None:
    """Add the columns that lineage says were made from tagged ones, or may be, oldest first."""
    from ..core.lineage.edges import plain

    for edge in edges:
        columns = tagged.get(plain(edge.input)) if edge.columns or edge.untraced else None
        if columns:
            made = {new for old, new in edge.columns if old in columns} | {*(edge.untraced or ())}
            if made and edge.output.startswith("dataset:"):
                tagged.setdefault(plain(edge.output), set()).update(made)


def _bundles(project: Project) -> list[Bundle]:
    """The packages of all versions that can be read."""
    with project.database.read() as connection:
        rows = read_deployments(connection)
    found = []
    for folder in {item.bundle for row in rows for item in row.versions if item.bundle}:
        with contextlib.suppress(MLInfraError):
            found.append(_bundle(Path(folder)))
    return found


@lru_cache(maxsize=256)
def _bundle(folder: Path) -> Bundle:
    """A package never changes: its folder is named by its content."""
    from .packaging import load_bundle

    return load_bundle(folder)
