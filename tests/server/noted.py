"""A workbench that only notes what it is asked, and made-up answers; for the faces, which say
little more than what they ask.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from typing import Any

from jupyter_mlinfra.server.openapi import _answer
from jupyter_mlinfra.server.routes import ROUTES

SERVICES = {
    "catalog": "Catalog",
    "features": "Features",
    "jobs": "Jobs",
    "pipelines": "Pipelines",
    "schedules": "Schedules",
    "experiments": "Experiments",
    "deployments": "Deployments",
    "monitoring": "Monitoring",
    "alerts": "Alerts",
}
PACKAGES = {"schedules": "pipelines", "alerts": "monitoring"}  # where one is not of its own name


class Noted:
    """A workbench that notes each call, holds it against the signature of the real service, and
    answers with a made-up record.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.answer: Any = None

    def __getattr__(self, name: str) -> Any:
        if name in SERVICES:
            return NotedDomain(
                self,
                name,
                getattr(
                    import_module(f"jupyter_mlinfra.{PACKAGES.get(name, name)}"), SERVICES[name]
                ),
            )
        if name in ("search", "status", "check", "up", "down"):
            return getattr(
                NotedDomain(
                    self, "workbench", import_module("jupyter_mlinfra.workbench").Workbench
                ),
                name,
            )
        raise AttributeError(name)


class NotedDomain:
    def __init__(self, notes: Noted, domain: str, service: type) -> None:
        self._notes, self._domain, self._service = notes, domain, service

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            bound = inspect.signature(getattr(self._service, verb)).bind(self, *args, **named)
            self._notes.calls.append(
                (
                    self._domain,
                    verb,
                    {name: value for name, value in bound.arguments.items() if name != "self"},
                )
            )
            if self._notes.error is not None:
                raise self._notes.error
            return self._notes.answer

        return call


def made_up(kind: Any) -> Any:
    """A value of a type, with something in every list and map of it."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return args[0]
    if origin in (typing.Union, types.UnionType):
        return made_up(args[0])
    if origin is not None and dataclasses.is_dataclass(origin):
        return _record(origin, dict(zip(origin.__type_params__, args, strict=True)))
    if origin is not None and issubclass(origin, Mapping):
        return {made_up(args[0]): made_up(args[1])}
    if origin is tuple and ... not in args:
        return tuple(made_up(arg) for arg in args)
    if origin is not None and issubclass(origin, Sequence):
        return [made_up(args[0])]
    if dataclasses.is_dataclass(kind):
        return _record(kind, {})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    plain = {
        str: "x",
        int: 1,
        float: 1.5,
        bool: True,
        datetime: datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC),
        Any: None,
        type(None): None,
    }
    return plain[kind]


def _record(kind: Any, parameters: Mapping[Any, Any]) -> Any:
    hints = typing.get_type_hints(
        kind,
        {
            name: value
            for base in reversed(kind.__mro__)
            for name, value in vars(import_module(base.__module__)).items()
        }
        | {"pl": None}
        | {
            str(name): name
            for base in kind.__mro__
            for name in getattr(base, "__type_params__", ())
        },
    )
    return kind(
        **{
            field.name: made_up(_filled(hints[field.name], parameters))
            for field in dataclasses.fields(kind)
        }
    )


def _filled(hint: Any, parameters: Mapping[Any, Any]) -> Any:
    if hint in parameters:
        return parameters[hint]
    args = typing.get_args(hint)
    return (
        typing.get_origin(hint)[tuple(_filled(arg, parameters) for arg in args)]
        if any(arg in parameters for arg in args)
        else hint
    )


def answer_of(path: str, verb: str) -> Any:
    """A made-up answer of a route."""
    return made_up(_answer(getattr(ROUTES[path], verb).endpoint.method))
