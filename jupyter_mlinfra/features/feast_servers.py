"""Feast's servers, of features and of its web pages, loaded only where they are used; and FastAPI,
in which they are written.

`feast.feature_store` imports both servers, and with them Uvicorn, Prometheus' client and more: 0.25
CPU seconds of each process that works with Feast. `feast.errors` imports FastAPI for the names of
HTTP's status codes. Nothing here starts a server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_SERVERS = ("feast.feature_server", "feast.ui_server")


class _WhenUsed(ModuleType):
    """In the place of a module, which is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system looks for
            raise AttributeError(name)
        self.give_way()
        return getattr(import_module(self.__name__), name)

    def give_way(self) -> None:
        """Let the next import find the module itself, and those in it that are loaded by then."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
            for name in [name for name in sys.modules if name.startswith(f"{self.__name__}.")]:
                del sys.modules[name]


@contextmanager
def served_when_used() -> Iterator[None]:
    """Where `feast.feature_store` is imported within the block, it has the servers later."""
    if "feast.feature_store" in sys.modules:
        yield
        return
    placed = [_WhenUsed(name) for name in _SERVERS if name not in sys.modules]
    placed += [_fastapi()] if "fastapi" not in sys.modules else []
    sys.modules.update({module.__name__: module for module in placed})
    try:
        yield
    finally:
        for module in placed:
            module.give_way()


def _fastapi() -> _WhenUsed:
    """In the place of FastAPI, with the one name that Feast's errors take from it."""
    from starlette import status

    placed, spec = _WhenUsed("fastapi"), find_spec("fastapi")
    folders = spec.submodule_search_locations if spec else None
    vars(placed).update(status=status, __path__=list(folders or []))
    return placed
