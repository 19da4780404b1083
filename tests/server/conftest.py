"""A real Jupyter server with the extension, over a project in a temporary folder or over a workbench that only notes what it is asked."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403

from jupyter_mlinfra.server.openapi import _answer
from jupyter_mlinfra.server.routes import ROUTES

SERVICES = {
    "catalog": "Catalog",
    "features": "Features",
    "jobs": "Jobs",
    "pipelines": "Pipelines",
    "experiments": "Experiments",
    "deployments": "Deployments",
    "monitoring": "Monitoring",
}


@pytest.fixture
def jp_root_dir(project: Any) -> Path:
    """The server's root folder is a project."""
    root: Path = project.root
    return root


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlinfra": True}, "allow_unauthenticated_access": False}}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the server said. value: the JSON body."""

    code: int
    value: Any
    headers: Mapping[str, str]


@pytest.fixture
def ask(jp_serverapp: Any, http_server_client: Any, jp_auth_header: Mapping[str, str], jp_base_url: str) -> Callable[..., Any]:
    """Ask a path below /mlinfra/api, as it is written: nothing is escaped again, no status raises."""

    async def _ask(path: str, body: Any = None, *, method: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        verb = method or ("GET" if body is None else "POST")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        options = {"method": verb, "body": data, "headers": jp_auth_header if headers is None else headers, "allow_nonstandard_methods": True}
        url = f"{jp_base_url}mlinfra/api/{path}"
        found = await http_server_client.fetch(url, follow_redirects=False, request_timeout=30, raise_error=False, **options)
        return Answer(found.code, json.loads(found.body) if found.body else None, dict(found.headers))

    return _ask


class Noted:
    """A workbench that notes each call, holds it against the signature of the real service, and answers with a made-up record."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.answer: Any = None

    def __getattr__(self, name: str) -> Any:
        if name in SERVICES:
            return NotedDomain(self, name, getattr(import_module(f"jupyter_mlinfra.{name}"), SERVICES[name]))
        if name in ("search", "status", "check", "up", "down"):
            return getattr(NotedDomain(self, "workbench", import_module("jupyter_mlinfra.workbench").Workbench), name)
        raise AttributeError(name)


class NotedDomain:
    def __init__(self, notes: Noted, domain: str, service: type) -> None:
        self._notes, self._domain, self._service = notes, domain, service

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            bound = inspect.signature(getattr(self._service, verb)).bind(self, *args, **named)
            self._notes.calls.append((self._domain, verb, {name: value for name, value in bound.arguments.items() if name != "self"}))
            if self._notes.error is not None:
                raise self._notes.error
            return self._notes.answer

        return call


@pytest.fixture
def noted(jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The server asks this workbench in place of the project's."""
    notes = Noted()
    context = jp_serverapp.web_app.settings["mlinfra"]
    project = context.workbench().project
    notes.__dict__["project"] = project
    monkeypatch.setattr(context, "workbench", lambda: notes)
    return notes


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
    if origin is not None and issubclass(origin, Sequence):
        return [made_up(args[0])]
    if dataclasses.is_dataclass(kind):
        return _record(kind, {})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    plain = {str: "x", int: 1, float: 1.5, bool: True, datetime: datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC), Any: None, type(None): None}
    return plain[kind]


def _record(kind: Any, parameters: Mapping[Any, Any]) -> Any:
    hints = typing.get_type_hints(kind, {**vars(import_module(kind.__module__)), "pl": None} | {str(name): name for name in kind.__type_params__})
    return kind(**{field.name: made_up(_filled(hints[field.name], parameters)) for field in dataclasses.fields(kind)})


def _filled(hint: Any, parameters: Mapping[Any, Any]) -> Any:
    if hint in parameters:
        return parameters[hint]
    args = typing.get_args(hint)
    return typing.get_origin(hint)[tuple(_filled(arg, parameters) for arg in args)] if any(arg in parameters for arg in args) else hint


def answer_of(path: str, verb: str) -> Any:
    """A made-up answer of a route."""
    return made_up(_answer(getattr(ROUTES[path], verb).endpoint.method))
