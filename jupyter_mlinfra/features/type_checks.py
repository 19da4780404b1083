"""Feast's checks of types at run time, put off until they are needed.

While Feast is imported, typeguard's `typechecked` parses and compiles the source of each of its
classes anew: 4 of the 6 CPU seconds of the import. Here each function and method is checked from
its first call on; most are never called.
"""

from __future__ import annotations

import functools
import inspect
import sys
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
    for name, attribute in list(vars(target).items()):
        if isinstance(attribute, property):
            parts = (attribute.fget, attribute.fset, attribute.fdel)
            get, put, delete = (_method(target, part, check) for part in parts)
            setattr(target, name, property(get, put, delete, attribute.__doc__))
        elif isinstance(attribute, classmethod | staticmethod):
            function = _method(target, attribute.__func__, check)
            setattr(target, name, type(attribute)(function))
        elif inspect.isfunction(attribute):
            setattr(target, name, _method(target, attribute, check))
    return target


def _method(target: type[Any], function: Any, check: Callable[[Any], Any]) -> Any:
    """A method of the class that is checked from its first call on; anything else as it is:
    inherited, or made by a decorator, whose source typeguard does not find.
    """
    is_own = (
        inspect.isfunction(function)
        and function.__module__ == target.__module__
        and function.__qualname__.startswith(f"{target.__qualname__}.")
        and function.__code__.co_filename == getattr(sys.modules[target.__module__], "__file__", "")
        and not hasattr(function, "__wrapped__")
    )
    return _function(function, check) if is_own else function


def _function(target: Callable[..., Any], check: Callable[[Any], Any]) -> Callable[..., Any]:
    checked: list[Callable[..., Any]] = []

    @functools.wraps(target)
    def call(*arguments: Any, **named: Any) -> Any:
        if not checked:
            with _checking:
                if not checked:
                    checked.append(check(target))
        return checked[0](*arguments, **named)

    return call
