"""A real Jupyter server with the extension, over a project in a temporary folder or over a
workbench that only notes what it is asked.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403

from jupyter_mlinfra.core.children import Children
from jupyter_mlinfra.server import context
from tests.server.noted import Noted


@pytest.fixture(scope="session")
def query_processes() -> Iterator[Children]:
    """The processes for SQL, which take seconds to start: the servers of all tests share them."""
    found = Children(context.QUERY_PROCESS, most=context.QUERIES, idle_seconds=600)
    close, found.close = found.close, lambda: None  # type: ignore[method-assign]
    yield found
    close()


@pytest.fixture(autouse=True)
def _shared_query_processes(query_processes: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "Children", lambda *_, **__: query_processes)


@pytest.fixture
def jp_root_dir(project: Any) -> Path:
    """The server's root folder is a project."""
    root: Path = project.root
    return root


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_mlinfra": True},
            "allow_unauthenticated_access": False,
        }
    }


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the server said. value: the JSON body."""

    code: int
    value: Any
    headers: Mapping[str, str]


@pytest.fixture
def ask(
    jp_serverapp: Any, http_server_client: Any, jp_auth_header: Mapping[str, str], jp_base_url: str
) -> Callable[..., Any]:
    """Ask a path below /mlinfra/api, as it is written: nothing is escaped again, no status
    raises.
    """

    async def _ask(
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        verb = method or ("GET" if body is None else "POST")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        options = {
            "method": verb,
            "body": data,
            "headers": jp_auth_header if headers is None else headers,
            "allow_nonstandard_methods": True,
        }
        url = f"{jp_base_url}mlinfra/api/{path}"
        found = await http_server_client.fetch(
            url, follow_redirects=False, request_timeout=120, raise_error=False, **options
        )
        return Answer(
            found.code, json.loads(found.body) if found.body else None, dict(found.headers)
        )

    return _ask


@pytest.fixture
def noted(jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The server asks this workbench in place of the project's."""
    notes = Noted()
    context = jp_serverapp.web_app.settings["mlinfra"]
    project = context.workbench().project
    notes.__dict__["project"] = project
    monkeypatch.setattr(context, "workbench", lambda: notes)
    return notes
