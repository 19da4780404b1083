"""What is opened by its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast


def late[T](kind: Callable[[], T]) -> T:
    """Stands for what `kind` makes, such as a service whose imports take time, and makes it when an
    attribute is asked for; an object that a domain is given and may not need.
    """
    return cast(T, _Late(kind))


class _Late:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)
