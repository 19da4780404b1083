"""A list answers with as many items as fit, and a cursor to the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page
from jupyter_mlinfra.faces import handler
from jupyter_mlinfra.faces.handler import capped
from jupyter_mlinfra.workbench import current


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """The cap in bytes."""
    monkeypatch.setattr(handler, "LIST_MIB", 1)
    return 1 << 20


async def test_a_list_of_large_runs_is_answered_in_parts_that_are_small_and_together_whole(
    ask: Callable[..., Any], project: Project, small: int
) -> None:
    bench = current()
    for number in range(6):
        with bench.experiments.track("wide", name=f"run{number}") as run:
            run.log_params({f"p{place}": "x" * 5000 for place in range(60)})
    names, cursor, sizes = list[str](), "", list[int]()
    for _ in range(10):
        answer = await ask(
            f"experiments/runs?experiment=wide&limit=6{cursor and f'&cursor={cursor}'}"
        )
        assert (answer.code, answer.value["total"], answer.value["shown"]) == (
            200,
            6,
            len(answer.value["items"]),
        )
        sizes.append(len(json.dumps(answer.value)))
        names += [item["name"] for item in answer.value["items"]]
        cursor = answer.value["cursor"]
        if cursor is None:
            break
    assert sorted(names) == sorted(f"run{number}" for number in range(6))
    assert max(sizes) <= small
    assert 2 < len(sizes) < 6


@pytest.mark.parametrize(("size", "expected"), [(10, 50), (300_000, 1), (2_000_000, 1)])
def test_an_item_that_is_larger_than_a_list_may_be_is_answered_whole_and_few_tries_are_made(
    size: int, expected: int
) -> None:
    asked: list[int] = []

    def answer(given: Mapping[str, Any]) -> Page[str]:
        asked.append(given["limit"])
        return Page(items=["x" * size] * given["limit"], shown=given["limit"], total=50)

    assert json.loads(capped(answer, {"limit": 50}))["shown"] == expected
    assert len(asked) <= 3


def test_what_is_no_list_is_asked_for_once() -> None:
    asked: list[Any] = []

    def answer(given: Mapping[str, Any]) -> str:
        asked.append(given)
        return "x" * 2_000_000

    assert len(capped(answer, {"limit": 50})) == 2_000_002
    assert len(capped(answer, {})) == 2_000_002
    assert len(asked) == 2


async def test_a_block_of_wide_rows_has_fewer_rows_and_says_so(
    ask: Callable[..., Any], project: Project, small: int
) -> None:
    wide = pl.DataFrame({f"c{place}": ["x" * 150] * 100 for place in range(200)})
    current().catalog.write(wide, into="t.wide")
    answer = await ask("catalog/datasets/t.wide/rows?count=100")
    shown = answer.value["shown"]
    assert (answer.code, answer.value["total"], len(answer.value["data"][0])) == (200, 100, shown)
    assert len(json.dumps(answer.value)) <= small
    assert 5 <= shown < 100
    current().catalog.tag("column:t.wide.c0", add=["pii"])
    revealed = await ask("catalog/datasets/t.wide/rows?count=100&reveal=true")
    assert revealed.value["data"] == answer.value["data"]
    assert current().catalog.audit().total == 1, "asked for twice, it is one look"
