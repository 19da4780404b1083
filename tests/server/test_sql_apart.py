"""SQL over REST runs in a process of its own: whatever it does, the server goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import polars as pl
import pytest

from jupyter_mlinfra.core.child import Child
from jupyter_mlinfra.core.children import Children
from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.core.processes import start_ticks
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.server import context
from jupyter_mlinfra.server.context import Context
from jupyter_mlinfra.workbench import current

GREEDY = "SELECT len(range(500000000))"
"""4 GB, of which DuckDB counts nothing, and in which it does not stop."""
ENDLESS = "SELECT length(regexp_replace(repeat('ab', 100000000), '(a|b)*c', 'x', 'g'))"


@pytest.fixture
def children(jp_serverapp: Any) -> Children:
    """The server's."""
    found: Children = jp_serverapp.web_app.settings["mlinfra"]._children
    return found


def allow(project: Project, *, memory_mib: int, seconds: int) -> None:
    """What queries may take."""
    toml = project.root / "mlinfra.toml"
    settings = f"sql_memory_mib = {memory_mib}\nsql_seconds = {seconds}\n"
    toml.write_text(f"{toml.read_text()}\n[catalog]\n{settings}")


def idle(children: Children) -> Child:
    """The process that will run the next query."""
    assert children._idle is not None
    return children._idle


async def when(true: Callable[[], bool]) -> bool:
    """Whether it becomes true in time."""

    def look() -> bool:
        late = time.monotonic() + 20
        while not true() and time.monotonic() < late:
            time.sleep(0.02)
        return true()

    return await asyncio.to_thread(look)


async def ended(pid: int) -> bool:
    return await when(lambda: start_ticks(pid) is None)


def taken() -> int:
    """Most memory that this process, the server's, has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


async def test_a_query_that_takes_too_much_memory_is_ended_and_the_server_goes_on(
    ask: Callable[..., Any], children: Children, project: Project
) -> None:
    allow(project, memory_mib=64, seconds=60)
    assert (await ask("catalog/sql", {"query": "SELECT 1 AS a"})).value["rows"] == [[1]]
    pid, before = idle(children)._process.pid, taken()
    asked = asyncio.ensure_future(ask("catalog/sql", {"query": GREEDY}))
    while not asked.done():
        assert (await ask("workbench/status")).code == 200
    error = (await asked).value
    assert (await asked).code == 422
    assert error["message"] == "The query was stopped: it needs more memory than it may take."
    assert "sql_memory_mib = 64 allows 320" in error["why"]
    assert "set more" in error["fix"]
    assert await ended(pid)
    assert taken() - before < 100, "the server itself has made none of it"
    assert (await ask("catalog/sql", {"query": "SELECT 2 AS a"})).value["rows"] == [[2]]


async def test_a_query_that_the_engine_does_not_stop_is_ended_when_its_time_is_over(
    ask: Callable[..., Any], children: Children, project: Project
) -> None:
    allow(project, memory_mib=4000, seconds=1)
    assert (await ask("catalog/sql", {"query": "SELECT 1"})).code == 200
    pid, began = idle(children)._process.pid, time.monotonic()
    found = await ask("catalog/sql", {"query": ENDLESS})
    assert (found.code, found.value["message"]) == (503, "The query was stopped after 1 s.")
    assert "sql_seconds" in found.value["why"]
    assert time.monotonic() - began < 15
    assert await ended(pid)


async def test_a_query_whose_reader_leaves_is_ended_though_the_engine_does_not_stop(
    ask: Callable[..., Any],
    children: Children,
    project: Project,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
) -> None:
    allow(project, memory_mib=4000, seconds=600)
    assert (await ask("catalog/sql", {"query": "SELECT 1"})).code == 200
    child = idle(children)
    pid, before = child._process.pid, child.memory()
    url = f"http://127.0.0.1:{http_server_client.get_http_port()}{jp_base_url}mlinfra/api/"
    async with httpx.AsyncClient(base_url=url, headers=jp_auth_header, timeout=60) as reader:
        asked = asyncio.ensure_future(reader.post("catalog/sql", json={"query": ENDLESS}))
        assert await when(lambda: child.memory() > before + (16 << 20))  # it has begun
        assert not asked.done()
        asked.cancel()
    assert await ended(pid)


async def test_a_rule_that_would_take_too_much_memory_is_refused_and_not_kept(
    ask: Callable[..., Any], project: Project
) -> None:
    allow(project, memory_mib=64, seconds=60)
    catalog = current().catalog
    catalog.write(pl.DataFrame({"x": [1]}), into="d.t")
    before = taken()
    rule = f"{GREEDY} FROM d.t must be 0"
    found = await ask("catalog/datasets/d.t/rules", {"add": rule})
    assert (found.code, "more memory" in found.value["message"]) == (422, True), found
    assert taken() - before < 200, "the server itself has made none of it"
    assert not catalog.rules("d.t").rules
    kept = await ask("catalog/datasets/d.t/rules", {"add": "SELECT x FROM d.t WHERE x > 1"})
    assert [item["rule"]["text"] for item in kept.value["rules"]] == [
        "SELECT x FROM d.t WHERE x > 1"
    ]


async def test_every_value_parameter_and_error_is_as_in_the_process_of_a_notebook(
    ask: Callable[..., Any], project: Project
) -> None:
    catalog = current().catalog
    frame = pl.DataFrame({"a": [1, None], "b": [float("nan"), float("inf")], "c": ["é", "x"]})
    catalog.write(frame, into="d.t")
    for query, parameters in {
        "SELECT * FROM d.t ORDER BY a": {},
        "SELECT 2::HUGEINT ** 100, DATE '2026-01-01', [1, 2], {'a': INTERVAL 1 DAY}": {},
        "SELECT $x AS x, $y AS y": {"x": [1, "a"], "y": None},
        "SELECT nothing": {},
        "DROP TABLE d.t": {},
        "SELECT * FROM no.where": {},
        "SELECT $z": {},
    }.items():
        found = await ask("catalog/sql", {"query": query, "parameters": parameters})
        code, same = 200, {}
        try:
            same = to_json(catalog.answer(query, parameters=parameters))
        except MLInfraError as error:
            code = error.status
            same = {"error": error.code, "message": error.what, "why": error.why, "fix": error.fix}
        assert (found.code, found.value) == (code, same), query


async def test_a_query_whose_process_dies_says_so(
    ask: Callable[..., Any], children: Children, project: Project
) -> None:
    assert (await ask("catalog/sql", {"query": "SELECT 1"})).code == 200
    child = idle(children)
    asked = asyncio.ensure_future(ask("catalog/sql", {"query": ENDLESS}))
    before = child.memory()
    assert await when(lambda: child.memory() > before + (16 << 20))
    child.kill()
    found = await asked
    assert found.code == 503
    assert found.value["message"] == "The query ended with its process."
    assert "no memory left" in found.value["why"]
    assert found.value["fix"]


async def test_no_process_is_left_when_the_server_stops(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "Children", Children)  # not those of all tests
    server = Context(project.root)
    answer = await server.run(lambda: server.workbench().catalog.answer("SELECT 1"))
    assert answer.rows == [[1]]
    pid = idle(server._children)._process.pid
    server.close()
    assert await ended(pid)
