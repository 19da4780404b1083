"""The command line: `mlinfra DOMAIN VERB`, one module per domain, each a thin layer over the
workbench.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["Session", "main", "run"]

if TYPE_CHECKING:
    from .app import main, run
    from .session import Session


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".session" if name == "Session" else ".app", __name__), name)
