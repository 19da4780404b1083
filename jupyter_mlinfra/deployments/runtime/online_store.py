"""Feast's online store in a serving process: the newest values of some entities, within a time
limit.

SQLite, Redis and PostgreSQL are read without Feast. Where it is needed (another store, other types,
on-demand views), it is imported before the process forks; stores are opened after it, one for each
thread that reads, once. Nothing here touches the registry: the definitions are in the bundle.

Environment: MLINFRA_ONLINE_STORE, a JSON file {"config", "repo", "as_of"} (see
`features.serving.store_of`).
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from .feast_itself import FeastStore
from .feast_stores import Keys, Store, direct_store
from .refusal import UNAVAILABLE, RequestRefused

READ_SECONDS = 1.0
"""For everything that is read and computed for one request."""

READERS = 8
"""As many as a process has threads that answer."""

_PASSWORD = re.compile(r"//[^@/\s]+@|password=\S+", re.IGNORECASE)

T = TypeVar("T")


class Stored(NamedTuple):
    """What the store has of one entity. at: of the oldest value. values: by feature, those that
    were never written are absent.
    """

    at: datetime
    values: Mapping[str, Any]


class OnlineStore:
    """The store of one project. file: see MLINFRA_ONLINE_STORE. feast: whether Feast is needed
    besides.
    """

    def __init__(self, file: Path, *, feast: bool) -> None:
        settings = json.loads(file.read_text())
        self._settings, self._repo = settings["config"], Path(settings["repo"])
        self._as_of = datetime.fromisoformat(settings["as_of"]) if settings["as_of"] else None
        if feast:
            load_feast()
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

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> list[Stored | None]:
        """What is stored for each key, in order. features: Feast's type by name. Raises
        RequestRefused (503) if the store fails. Only within `within_limit`.
        """
        try:
            found = self._store().read(view, keys, features)
        except FileNotFoundError:
            raise unavailable("Its file is not there.") from None
        except Exception as error:  # each store raises errors of its own library
            self._local.opened = None
            text = _PASSWORD.sub("…", str(error).partition("\n")[0])[:200]
            raise unavailable(f"{type(error).__name__}: {text}") from error
        stored: list[Stored | None] = []
        for number in range(len(keys.rows)):
            times = {name: column.at[number] for name, column in found.items()}
            known = {name: at for name, at in times.items() if at is not None}
            values = {name: found[name].values[number] for name in known}
            stored.append(Stored(min(known.values()), values) if known else None)
        return stored

    def _readers(self) -> ThreadPoolExecutor:
        """Of this process: a pool does not survive a fork."""
        with self._lock:
            if self._pool is None or self._pool[0] != os.getpid():
                pool = ThreadPoolExecutor(READERS, thread_name_prefix="online-store")
                self._pool = os.getpid(), pool
            return self._pool[1]

    def _store(self) -> Store:
        """The store of this thread."""
        opened: Store | None = getattr(self._local, "opened", None)
        if opened is None:
            self._local.opened = opened = self._open()
        return opened

    def _open(self) -> Store:
        if direct := direct_store(self._settings, self._repo):
            return direct
        load_feast()
        from feast import RepoConfig

        return FeastStore(RepoConfig(**self._settings, repo_path=self._repo))


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
