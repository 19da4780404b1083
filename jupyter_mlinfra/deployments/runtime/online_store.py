"""Feast's online store in a serving process: the newest values of some entities, within a time
limit.

Feast is imported before the process forks; stores are opened after it, one for each thread that
reads, once. Nothing here touches the registry: the definitions are in the bundle.

Environment: MLINFRA_ONLINE_STORE, a JSON file {"config", "repo", "as_of"} (see
`features.serving.store_of`).
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from .refusal import UNAVAILABLE, RequestRefused

READ_SECONDS = 1.0
"""For everything that is read and computed for one request."""

READERS = 8
"""As many as a process has threads that answer."""

_PASSWORD = re.compile(r"//[^@/\s]+@|password=\S+", re.IGNORECASE)

T = TypeVar("T")


class Stored(NamedTuple):
    """What the store has of one entity. values: by feature, those that were never written are
    absent.
    """

    at: datetime
    values: Mapping[str, Any]


class OnlineStore:
    """The store of one project. now: when the ttl counts."""

    def __init__(self, file: Path) -> None:
        load_feast()
        from feast import RepoConfig

        settings = json.loads(file.read_text())
        self._config = RepoConfig(**settings["config"], repo_path=Path(settings["repo"]))
        self._as_of = datetime.fromisoformat(settings["as_of"]) if settings["as_of"] else None
        self._sqlite = self._sqlite_file(Path(settings["repo"]))
        self._open()  # whatever its library lacks is known before the first request
        self._local = threading.local()
        self._lock = threading.Lock()
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def now(self) -> datetime:
        """The moment to which the ttl applies."""
        at = self._as_of or datetime.now(UTC)
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def within_limit(self, work: Callable[[], T]) -> T:
        """Do `work` in a thread that reads. Raises RequestRefused (503) if it takes longer than
        READ_SECONDS; what hangs costs a thread until it ends, and no request more than that time.
        """
        future = self._readers().submit(work)
        try:
            return future.result(READ_SECONDS)
        except TimeoutError:
            if future.done():  # just now, or the error is the work's own
                return future.result()
            future.cancel()
            raise unavailable(f"It did not within {READ_SECONDS:g} s.") from None

    def read(self, view: Any, keys: Sequence[Any], features: Sequence[str]) -> list[Stored | None]:
        """What is stored for each key, in order. view: a Feast view. Raises RequestRefused (503) if
        the store fails. Only within `within_limit`.
        """
        from feast.type_map import feast_value_type_to_python_type

        try:
            answers = self._store().online_read(self._config, view, list(keys), list(features))
        except RequestRefused:
            raise
        except Exception as error:  # each store raises errors of its own library
            self._local.opened = None
            text = _PASSWORD.sub("…", str(error).partition("\n")[0])[:200]
            raise unavailable(f"{type(error).__name__}: {text}") from error
        found: list[Stored | None] = []
        for at, values in answers:
            # For an absent key Redis answers with the year 1970.
            if not values or not at or not at.timestamp():
                found.append(None)
                continue
            plain = {
                name: feast_value_type_to_python_type(values[name])
                for name in features
                if name in values
            }
            found.append(Stored(at if at.tzinfo else at.replace(tzinfo=UTC), plain))
        return found

    def _readers(self) -> ThreadPoolExecutor:
        """Of this process: a pool does not survive a fork."""
        with self._lock:
            if self._pool is None or self._pool[0] != os.getpid():
                pool = ThreadPoolExecutor(READERS, thread_name_prefix="online-store")
                self._pool = os.getpid(), pool
            return self._pool[1]

    def _store(self) -> Any:
        """The store of this thread; a SQLite file that was replaced is opened again."""
        file = self._file_id()
        opened = getattr(self._local, "opened", None)
        if opened is None or opened[0] != file:
            self._local.opened = opened = file, self._open()
        return opened[1]

    def _open(self) -> Any:
        from feast.infra.online_stores.helpers import get_online_store_from_config

        return get_online_store_from_config(self._config.online_store)

    def _file_id(self) -> tuple[int, int] | None:
        if self._sqlite is None:
            return None
        try:
            stat = self._sqlite.stat()
        except OSError:
            # Feast would make an empty one.
            raise unavailable("Its file is not there.") from None
        return stat.st_dev, stat.st_ino

    def _sqlite_file(self, repo: Path) -> Path | None:
        if str(self._config.online_store.type) != "sqlite":
            return None
        _feast_timestamps()
        return repo / str(self._config.online_store.path)


def unavailable(why: str) -> RequestRefused:
    """The store cannot be read."""
    return RequestRefused(
        "The online store did not answer.",
        why,
        "Try again. If it stays so: mlinfra features online VIEW:*, which asks the same store.",
        status=UNAVAILABLE,
    )


def load_feast() -> None:
    """Import Feast without its checks of types at run time, which are 4 of the 6 CPU seconds of the
    import: no definition of a user is made here.
    """
    import typeguard

    def unchanged(target: Any = None, **_: Any) -> Any:
        return target if target is not None else unchanged

    decorator: Any = unchanged
    original, typeguard.typechecked = typeguard.typechecked, decorator
    try:
        import feast
        import feast.infra.online_stores.helpers
        import feast.type_map  # noqa: F401
    finally:
        typeguard.typechecked = original


def _feast_timestamps() -> None:
    """Read SQLite's timestamps as Feast wrote them: converters are kept for the whole process, and
    another library may have registered one.
    """
    from feast.infra.online_stores import sqlite

    sqlite3.register_converter("timestamp", sqlite.convert_timestamp)
