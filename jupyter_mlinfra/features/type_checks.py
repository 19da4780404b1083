"""Feast's checks of types at run time, put off until they are needed.

While Feast is imported, typeguard's `typechecked` parses and compiles the source of each of its
classes anew: 4 of the 6 CPU seconds of the import. Here a class is checked from its first instance
on, a function from its first call on.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_checking = threading.RLock()
_replacing = threading.RLock()


@contextmanager
def checked_when_used() -> Iterator[None]:
    """What is decorated within the block is checked from its first use on."""

    def when_used(target: Any = None, **options: Any) -> Any:
        if target is None:
            return functools.partial(when_used, **options)
        check_now = functools.partial(check, **options)
        return (
            _class(target, check_now) if isinstance(target, type) else _function(target, check_now)
        )

    with _replaced(when_used) as check:
        yield


@contextmanager
def unchecked() -> Iterator[None]:
    """What is decorated within the block is never checked: for a process that runs no definition
    of a user.
    """

    def unchanged(target: Any = None, **_: Any) -> Any:
        return target if target is not None else unchanged

    with _replaced(unchanged):
        yield


@contextmanager
def _replaced(decorator: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Put another decorator in the place of typeguard's, which is yielded. One thread at a time, so
    that each restores the right one.
    """
    import typeguard

    with _replacing:
        original, typeguard.typechecked = typeguard.typechecked, decorator
        try:
            yield original
        finally:
            typeguard.typechecked = original


def _class(target: type[Any], check: Callable[[Any], Any]) -> type[Any]:
    original_init = target.__dict__.get("__init__")
    if original_init is None:
        checked: type[Any] = check(target)
        return checked

    @functools.wraps(original_init)
    def create(self: Any, *arguments: Any, **named: Any) -> None:
        with _checking:
            if target.__dict__["__init__"] is create:
                target.__init__ = original_init
                try:
                    check(target)
                except BaseException:
                    target.__init__ = create  # the next instance tries again
                    raise
        target.__init__(self, *arguments, **named)

    target.__init__ = create
    return target


def _function(target: Callable[..., Any], check: Callable[[Any], Any]) -> Callable[..., Any]:
    checked: list[Callable[..., Any]] = []

    @functools.wraps(target)
    def call(*arguments: Any, **named: Any) -> Any:
        with _checking:
            if not checked:
                checked.append(check(target))
        return checked[0](*arguments, **named)

    return call
