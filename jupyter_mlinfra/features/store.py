"""What can be known about the feature store without loading Feast: a JSON copy of its registry, and
what was written to the online store.

The copy is renewed when the registry changes. The files are in `.mlinfra/features/` and can be
deleted: `index.json` is then rebuilt, without `online.json` the next materialization starts from
the beginning, and `left_out.json` and `as_written.json` are written by the next `apply`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.files import file_lock, write_atomic
from ..core.records import to_json
from .definitions import Definition, Registered
from .repo import YAML, folder, registry_file
from .spec import Unapplied

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from ..core.project import Project

REMOTE_SECONDS = 60
"""A remote registry is read again after this many seconds."""

_FORMAT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A backfill that was begun at `start` and has got as far as `until`. mark: state of the
    source.
    """

    start: datetime
    until: datetime
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialization:
    """The last materialization of a view. mark: state of the source. newest: latest event time
    written. until: its end. backfill: one that has not ended. pushed: latest event time that came
    by a push and may still be online. pushes: counts when one begins and when
    it ends. pushing: latest event time of a
    push that is under way, or was killed, and may be online.
    """

    digest: str
    mark: str | None
    newest: datetime | None
    until: datetime
    rows: int
    backfill: Backfill | None = None
    pushed: datetime | None = None
    pushes: int = 0
    pushing: datetime | None = None


class Copy(NamedTuple):
    """The copy of the registry. current: whether the registry is as it was then."""

    registered: Registered
    current: bool


class FeatureFiles:
    """The files of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = project.folder("features")
        self._index = self._folder / "index.json"
        self._online = self._folder / "online.json"
        self._yaml = folder(project) / YAML
        self._registry: tuple[tuple[int, int, int] | None, Path | None] | None = None
        self._left_out = self._folder / "left_out.json"
        self._as_written = self._folder / "as_written.json"
        self._loaded: tuple[tuple[int, int], str, Registered] | None = None

    def registered(self, rebuild: Callable[[], object]) -> Registered:
        """What the registry holds. `rebuild` is called if the copy is older than the registry; it
        must call `save`.
        """
        mark = self._mark()
        if mark == "none":
            return Registered()
        loaded = self._load()
        if loaded is None or loaded[1] != mark:
            rebuild()
            loaded = self._load()
        return loaded[2] if loaded else Registered()

    def copy(self) -> Copy | None:
        """The copy as it is; None if there is none, empty without a registry."""
        mark = self._mark()
        if mark == "none":
            return Copy(Registered(), current=True)
        loaded = self._load()
        return Copy(loaded[2], current=loaded[1] == mark) if loaded else None

    @contextmanager
    def materializing(self, view: str, until: datetime) -> Iterator[None]:
        """The block lets Feast record a materialization, which changes the registry but no
        definition: a copy that was current stays so.
        """
        before = self.copy()
        yield
        if before is None or not before.current or self.copy() == before:
            return
        found = before.registered
        item = found.views[view]
        newest = max(until, item.materialized_until or until)
        views = {**found.views, view: replace(item, materialized_until=newest)}
        self.save(replace(found, views=views), self._mark())

    def save(self, found: Registered, mark: str) -> None:
        """Replace the copy. `mark` is `current_mark` from before the registry was read, so that a
        change in between is noticed. Secrets that definitions say in clear are left out.
        """
        views, versions = map(_without_secrets, (found.views, found.versions))
        kept = replace(found, views=views, versions=versions)
        body = {"format": _FORMAT, "mark": mark, "registered": to_json(asdict(kept))}
        write_atomic(self._index, json.dumps(body).encode())

    def current_mark(self) -> str:
        """A text that changes with the registry."""
        return self._mark()

    def materializations(self) -> dict[str, Materialization]:
        """What is online, by view."""
        if not self._online.exists():
            return {}
        try:
            items = json.loads(self._online.read_text())
        except json.JSONDecodeError:
            return {}
        return {name: _materialization(item) for name, item in items.items()}

    def record_materialization(
        self, view: str, change: Callable[[Materialization | None], Materialization]
    ) -> Materialization:
        """Record what was written online, and return it. change: makes it of what is recorded."""
        with file_lock(self._folder / "online.lock"):
            items = self.materializations()
            items[view] = change(items.get(view))
            self._write_online(items)
        return items[view]

    def forget_materializations(self, views: Collection[str]) -> None:
        """Forget what was written online for these views."""
        with file_lock(self._folder / "online.lock"):
            items = self.materializations()
            self._write_online({name: items[name] for name in items if name not in views})

    def _write_online(self, items: Mapping[str, Materialization]) -> None:
        body = {name: to_json(asdict(item)) for name, item in items.items()}
        write_atomic(self._online, json.dumps(body).encode())

    def left_out(self) -> dict[str, Unapplied]:
        """What the last `apply` left out, by name."""
        try:
            items = json.loads(self._left_out.read_text())
        except (OSError, json.JSONDecodeError):
            return {}
        return {item["name"]: Unapplied(**item) for item in items}

    def set_left_out(self, items: Sequence[Unapplied]) -> None:
        """Record what an `apply` leaves out."""
        write_atomic(self._left_out, json.dumps([asdict(item) for item in items]).encode())

    def as_written(self) -> set[str]:
        """Views that were applied last although they do not fit their source."""
        try:
            return set(json.loads(self._as_written.read_text()))
        except (OSError, json.JSONDecodeError):
            return set()

    def set_as_written(self, names: Iterable[str]) -> None:
        """Record which views do not fit their source, but are applied."""
        write_atomic(self._as_written, json.dumps(sorted(names)).encode())

    def _load(self) -> tuple[tuple[int, int], str, Registered] | None:
        try:
            stat = self._index.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if self._loaded and self._loaded[0] == stamp:
                return self._loaded
            body = json.loads(self._index.read_text())
        except (OSError, json.JSONDecodeError):
            return None
        if body.get("format") != _FORMAT:
            return None
        self._loaded = stamp, body["mark"], _adapter().validate_python(body["registered"])
        return self._loaded

    def _mark(self) -> str:
        file = self._registry_file()
        if file is None:
            return f"minute {int(time.time() // REMOTE_SECONDS)}"
        try:
            stat = file.stat()
        except FileNotFoundError:
            return "none"
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def _registry_file(self) -> Path | None:
        """As `repo.registry_file`, which is asked again when feature_store.yaml has changed."""
        try:
            stat = os.stat(self._yaml)
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            mark = None
        if self._registry is None or self._registry[0] != mark:
            self._registry = mark, registry_file(self._project)
        return self._registry[1]


def _without_secrets(views: Mapping[str, Definition]) -> Mapping[str, Definition]:
    return {
        name: view if view.source is None else replace(view, source=view.source.without_secrets())
        for name, view in views.items()
    }


def _materialization(item: dict[str, Any]) -> Materialization:
    times: dict[str, Any] = {
        name: _time(item.get(name)) for name in ("newest", "until", "pushed", "pushing")
    }
    begun = item.get("backfill")
    if begun:
        until = {name: datetime.fromisoformat(begun[name]) for name in ("start", "until")}
        times["backfill"] = Backfill(**begun | until)
    return Materialization(**item | times)


@cache
def _adapter() -> TypeAdapter[Registered]:
    from pydantic import TypeAdapter

    return TypeAdapter(Registered)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
