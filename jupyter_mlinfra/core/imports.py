"""Heavy libraries: only one thread at a time imports them, without parts that nobody here needs;
and hooks for an import that may come later.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

_EXTRAS = {
    "psycopg": "postgres",
    "adbc": "sources",
    "fastexcel": "sources",
    "redis": "redis",
    "s3fs": "s3",
    "boto": "s3",
    "aiobotocore": "s3",
    "kubernetes": "kubernetes",
    "xgboost": "xgboost",
    "deltalake": "delta",
}
"""By the first part of a module's name: the extra of ours that installs it."""
_PACKAGES = {
    "google": "google-cloud-storage",
    "azure": "azure-storage-blob azure-identity",
    "MySQLdb": "mysqlclient",
}
"""Packages whose name differs from their module's and that no extra installs."""

_importing = threading.RLock()
_loaded: set[str] = set()


def load_modules(*modules: str) -> None:
    """Import `modules`, in this order, while no other thread imports any this way; free once they
    are loaded.

    Python locks each module by itself. Of two threads that enter a library of many modules at
    different places, one gets a module that is half loaded (`cannot import name … from partially
    initialized module`), and two libraries that share a third one meet there. Call it before the
    first import of such a library, never while a module is being imported.
    """
    if _loaded.issuperset(modules):
        return
    with _importing:
        for name in modules:
            import_module(name)
        _loaded.update(modules)


def fix_of_missing(module: str) -> str:
    """How to install a missing module: by our extra, where there is one."""
    name = module.partition(".")[0]
    extra = next((extra for start, extra in _EXTRAS.items() if name.startswith(start)), "")
    if extra:
        return f"pip install 'jupyter-mlinfra[{extra}]'"
    return (
        f"pip install {_PACKAGES.get(name, name)}"
        if name
        else "Install what it names into this Python."
    )


@contextmanager
def without(*optional: str) -> Iterator[None]:
    """Within the block these modules cannot be imported, as if they were not installed. One that is
    already loaded stays.

    For a library that works without them and loads slowly with them.
    """
    absent = [name for name in optional if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is the documented way to make an import fail
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


def around_import(name: str, *, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Call `before` and `after` when a module is imported for the first time. Nothing happens if it
    is already loaded, or never is.
    """
    if name not in sys.modules:
        sys.meta_path.insert(0, _Watch(name, before, after))


class _Watch:
    """A finder that waits for one import. Not derived from `MetaPathFinder`, because its module
    takes longer to load than this package.

    The module is found and loaded as usual; only the last step of its loader is extended.
    """

    def __init__(self, name: str, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._name, self._before, self._after = name, before, after

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        self._before()
        found = importlib.util.find_spec(fullname)
        if found is None or found.loader is None:
            return found
        execute = found.loader.exec_module

        def execute_and_tell(module: ModuleType) -> None:
            execute(module)
            self._after()

        found.loader.exec_module = execute_and_tell  # type: ignore[method-assign]
        return found
