"""Notebooks: reading them, and the kernels that run them. Knows nothing about jobs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["ExecutedNotebook", "JobParameter", "Parameter"]

if TYPE_CHECKING:
    from .spec import ExecutedNotebook, JobParameter, Parameter
else:

    def __getattr__(name: str):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(".spec", __name__), name)
