"""What an import brings along that nobody here asks for, and what is to happen around one that may come later."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextmanager
def without(*optional: str) -> Iterator[None]:
    """Within, these modules cannot be imported, as if they were not installed. One that is loaded already stays.

    For a library that does without them and takes long to load with them.
    """
    absent = [name for name in optional if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is the documented way to make an import fail
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


def around_import(name: str, *, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Call `before` and `after` when a module is imported for the first time; nothing happens where it is loaded already, or never is."""
    if name not in sys.modules:
        sys.meta_path.insert(0, _Watch(name, before, after))


class _Watch(MetaPathFinder):
    """Waits for one import. The module is found and loaded as ever; only its loader's last step is lengthened."""

    def __init__(self, name: str, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._name, self._before, self._after = name, before, after

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
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
