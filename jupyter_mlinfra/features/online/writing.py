"""Rows into the online store: Feast's own writing, and which rows may replace what is there."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from ...core.errors import Unprocessable
from ...core.feast_online.feast_itself import entity_keys, feast_timestamps, feast_view
from ...core.feast_online.feast_keys import typed
from ...core.feast_online.feast_redis import REDIS_SECONDS
from ...core.feast_online.feast_stores import Keys, Store
from ...core.files import file_lock
from ..converting import converter
from ..definitions import Definition
from ..feast_errors import untold
from ..labels import priority_of
from ..repo import online_name
from .answering import answering

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ..sources import SourceSpec

BATCH_ROWS = 2_000

Guard = Callable[[], AbstractContextManager[Store | None]]
"""Held while a batch is compared and written; gives what reads the online store, None if the rows
need not be compared.
"""


def writing(project: Project, view: str) -> AbstractContextManager[object]:
    """The lock of who compares and writes rows of a view."""
    name = hashlib.sha256(view.encode()).hexdigest()[:16]
    return file_lock(project.folder("features") / "writing" / f"{name}.lock")


class Rows(NamedTuple):
    """Rows of a view, at most one per key. columns: keys and features. at, made: event times and
    created times, with their zone.
    """

    columns: Mapping[str, list[Any]]
    at: list[datetime]
    made: Sequence[datetime | None]

    def part(self, start: int, count: int) -> Rows:
        """Some rows that follow each other."""
        place = slice(start, start + count)
        columns = {name: values[place] for name, values in self.columns.items()}
        return Rows(columns, self.at[place], self.made[place])

    def only(self, kept: Sequence[bool]) -> Rows:
        """The rows for which `kept` is true."""
        columns = {name: list(compress(values, kept)) for name, values in self.columns.items()}
        return Rows(columns, list(compress(self.at, kept)), list(compress(self.made, kept)))


def rows_of(frame: pl.DataFrame, view: Definition, source: SourceSpec) -> Rows:
    """The rows of a frame with the columns of a view and the times of its source."""
    from ..join import utc

    def times(name: str) -> list[Any]:
        return frame.select(utc(name, frame.schema[name]))[name].to_list()

    return Rows(
        {
            column.name: _with_times(frame[column.name]).to_list()
            for column in (*view.keys, *view.features)
        },
        times(source.time),
        times(source.created) if source.created else [None] * frame.height,
    )


def make_tables_of_versions(config: Any, views: Sequence[Any]) -> None:
    """Make the online tables of views, if there is one for each version: Feast's own `apply` makes
    tables before it counts the version. views: Feast's objects.
    """
    from feast.infra.online_stores.helpers import get_online_store_from_config

    if _has_versions(config) and config.online_store is not None:
        store = get_online_store_from_config(config.online_store)
        store.update(config, [], list(views), [], [], partial=True)


def make_local_tables(config: Any, views: Sequence[Any]) -> None:
    """Make the tables that a SQLite online store lacks, as where a registry came without its online
    store. views: Feast's objects.
    """
    from feast.infra.online_stores.helpers import get_online_store_from_config

    if config.online_store.type == "sqlite":
        store = get_online_store_from_config(config.online_store)
        store.update(config, [], list(views), [], [], partial=True)


def _has_versions(config: Any) -> bool:
    return bool(getattr(config.registry, "enable_online_feature_view_versioning", False))


class OnlineWriter:
    """Writes rows of one view. config: Feast's `RepoConfig`, with an online store. table: Feast's
    object for the view; None: what the registry's copy says of it. masked: features and keys whose
    values an error does not quote; asked for when there is one.
    """

    def __init__(
        self,
        config: Any,
        view: Definition,
        table: Any = None,
        *,
        masked: Callable[[], Collection[str]] = tuple,
    ) -> None:
        from feast.infra.online_stores.helpers import get_online_store_from_config

        self._config, self._view, self._masked = _that_replaces(config), view, masked
        self._store = get_online_store_from_config(config.online_store)
        self._keys = {column.name: column.type for column in view.keys}
        self._features = {column.name: column.type for column in view.features}
        versions = _has_versions(config)
        self._name = online_name(view, versions=versions)
        self._table = table or feast_view(self._name, self._keys, self._features)
        make_tables_of_versions(config, [self._table])
        self._priority = priority_of(view)

    def write(
        self,
        rows: Rows,
        *,
        guard: Guard,
        progress: Callable[[int], object] = lambda _: None,
    ) -> int:
        """Write rows and return how many were written. guard: entered for each batch; rows older
        than what its store has are left out. progress: called with the number of rows that are
        done.
        """
        written = 0
        for start in range(0, len(rows.at), BATCH_ROWS):
            part = rows.part(start, BATCH_ROWS)
            done = start + len(part.at)
            with guard() as over:
                if over is not None:
                    part = part.only(self._not_older(part, over))
                if part.at:
                    with feast_timestamps():
                        messages = list(self._messages(part))
                        with answering():
                            self._store.online_write_batch(
                                self._config, self._table, messages, None
                            )
            written += len(part.at)
            progress(done)
        return written

    def has(self, rows: Rows, over: Store) -> bool:
        """Whether a store has anything of the keys of these rows."""
        with answering():
            stored = over.read(self._name, self._keys_of(rows), self._features)
        return not stored or any(any(column.at) for column in stored.values())

    def _not_older(self, rows: Rows, over: Store) -> list[bool]:
        """Whether the event time of a row is not before the stored one, which may be cut to
        seconds. Of labels by priority, the stronger labeler counts first.
        """
        keys = self._keys_of(rows)
        with answering():
            stored = over.read(self._name, keys, self._features)
        newest = [
            max((at for at in times if at is not None), default=None)
            for times in zip(*(column.at for column in stored.values()), strict=True)
        ]
        if (priority := self._priority) is None:
            return [at is None or when >= at for when, at in zip(rows.at, newest, strict=True)]
        given = priority.strengths(rows.columns[priority.labeler])
        there = priority.strengths(stored[priority.labeler].values)
        return [
            at is None or (strength, when) >= (known, at)
            for strength, when, known, at in zip(given, rows.at, there, newest, strict=True)
        ]

    def _keys_of(self, rows: Rows) -> Keys:
        columns = [self._key(rows, name, kind) for name, kind in self._keys.items()]
        return Keys(
            self._keys, list(zip(*columns, strict=True)) if columns else [()] * len(rows.at)
        )

    def _key(self, rows: Rows, name: str, kind: str) -> list[Any]:
        try:
            return [typed(value, kind) for value in rows.columns[name]]
        except (TypeError, ValueError, OverflowError) as error:
            raise self._wrong(f"Key {name}", name, kind, error, f"{error}.") from None

    def _feature(self, rows: Rows, name: str, kind: str) -> Any:
        from feast.type_map import python_values_to_proto_values
        from feast.value_type import ValueType

        values = rows.columns[name]
        if kind in ("DOUBLE_LIST", "FLOAT_LIST"):
            values = [_with_nan(value) for value in values]
        try:
            if "UUID" in kind or "DECIMAL" in kind:  # Feast takes any text for one
                convert = converter(kind)
                values = [None if value is None else convert(value) for value in values]
            return python_values_to_proto_values(values, ValueType[kind])
        except Exception as error:  # noqa: BLE001  # Feast raises errors of many kinds
            why = f"{type(error).__name__}: {error}"
            raise self._wrong(f"Column {name}", name, kind, error, why) from None

    def _wrong(self, what: str, name: str, kind: str, error: Exception, why: str) -> Unprocessable:
        return Unprocessable(
            f"{what} of {self._view.name} has a value of a wrong type.",
            untold(error) if name in self._masked() else why,
            f"It is {kind.lower()}: correct the rows, or the type in the definition.",
        )

    def _messages(
        self, rows: Rows
    ) -> Iterator[tuple[Any, dict[str, Any], datetime, datetime | None]]:
        """Rows in the form that Feast's online stores take: (entity key, values by feature, event
        time, created time).
        """
        keys = entity_keys(self._keys_of(rows))
        protos = [self._feature(rows, name, kind) for name, kind in self._features.items()]
        values = zip(*protos, strict=True)
        for key, value, at, made in zip(keys, values, rows.at, rows.made, strict=True):
            yield key, dict(zip(self._features, value, strict=True)), at, made


def _that_replaces(config: Any) -> Any:
    """The configuration, in which Redis replaces rows of equal and later times, as other stores do:
    which rows may be replaced is decided here.
    """
    online = config.online_store
    if not hasattr(online, "skip_dedup"):
        return config
    address, changed = online.connection_string, config.model_copy()
    for name in ("socket_timeout", "socket_connect_timeout"):  # who writes holds a lock
        if f"{name}=" not in address:
            address += f",{name}={REDIS_SECONDS}"
    changed._online_store = online.model_copy(
        update={"skip_dedup": True, "connection_string": address}
    )
    return changed


def _with_times(column: pl.Series) -> pl.Series:
    """Dates as midnights, which Feast stores instead, also inside lists."""
    import polars as pl

    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us", "UTC"))
    return (
        column.cast(pl.List(pl.Datetime("us", "UTC")))
        if column.dtype == pl.List(pl.Date)
        else column
    )


def _with_nan(values: Any) -> Any:
    """A list of floats with NaN in the place of nulls, which Feast would turn into zeros."""
    if values is None or None not in values:
        return values
    return [math.nan if value is None else value for value in values]
