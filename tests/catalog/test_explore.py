"""The grid over frames of the kernel, as the front end asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import jupyter_mlinfra as ml
from jupyter_mlinfra.catalog import Catalog, Explorer
from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project

FRAME = pl.DataFrame({"key": [3, 1, None, 2], "word": ["a", "b", "a", "^c$"]})
PLAIN: dict[str, Any] = {"filters": [], "sort": [], "group": None}


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What the front end would get for a question."""

    def asked(explorer: Explorer, **content: Any) -> dict[str, Any]:
        sent = list[dict[str, Any]]()
        monkeypatch.setattr(explorer, "send", sent.append)
        whole = {"id": "7", "verb": "block", "query": PLAIN, "start": 0, "count": 10} | content
        explorer._handle_msg(
            {"content": {"data": {"method": "custom", "content": whole}}, "buffers": []}
        )
        assert sent[0].pop("id") == "7"
        return sent[0]

    return asked


@pytest.mark.parametrize("make", [lambda: FRAME, FRAME.lazy, FRAME.to_pandas])
def test_a_frame_is_filtered_and_sorted_where_it_is(
    make: Callable[[], Any], ask: Callable[..., dict[str, Any]]
) -> None:
    frame = make()
    explorer = ml.explore(frame)
    query = {
        **PLAIN,
        "filters": [{"column": "word", "op": "=", "value": "a"}],
        "sort": [{"column": "key", "descending": False}],
    }
    found = ask(explorer, query=query)["found"]
    assert (found["data"], found["total"], found["of"]) == ([[3, None], ["a", "a"]], 2, 4)
    assert explorer.code == found["code"]["python"]
    space: dict[str, Any] = {"frame": frame}
    exec(found["code"]["python"], space)
    assert space["frame_shown"].collect()["key"].to_list() == [3, None]


def test_groups_and_shapes_come_from_the_kernel_too(ask: Callable[..., dict[str, Any]]) -> None:
    explorer = ml.explore(FRAME)
    group = {"by": ["word"], "aggregates": [{"column": "key", "function": "sum"}]}
    found = ask(explorer, query={**PLAIN, "group": group})["found"]
    assert found["data"] == [["^c$", "a", "b"], [1, 2, 1], [2, 3, 1]]
    shape = ask(explorer, verb="shape", column="word")["found"]["shape"]
    assert {bar["label"]: bar["count"] for bar in shape["bars"]} == {"a": 2, "b": 1, "^c$": 1}


def test_what_is_wrong_is_answered_and_not_raised(ask: Callable[..., dict[str, Any]]) -> None:
    explorer = ml.explore(FRAME)
    wrong = {**PLAIN, "filters": [{"column": "key", "op": "=", "value": "x"}]}
    error = ask(explorer, query=wrong)["error"]
    assert "key = x" in error["message"]
    assert "whole numbers" in error["fix"]
    for content in ({"query": {}}, {"start": -1}, {"query": {**PLAIN, "filters": [{"op": "~"}]}}):
        assert ask(explorer, **content)["error"]["error"] == "bad_request"
    with pytest.raises(BadRequest, match="list is not a frame"):
        ml.explore([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "code", "why"),
    [
        (MemoryError(), "internal", "MemoryError"),
        (pl.exceptions.ComputeError("torn\nat 3"), "internal", "ComputeError: torn."),
        (pl.exceptions.PanicException("no"), "internal", "PanicException"),
        (KeyboardInterrupt(), "unavailable", "interrupted"),
    ],
)
def test_whatever_fails_is_answered(
    error: BaseException, code: str, why: str, ask: Callable[..., dict[str, Any]]
) -> None:
    explorer = ml.explore(FRAME)

    def fail(_: Any) -> Any:
        raise error

    explorer._grid = fail
    found = ask(explorer)["error"]
    assert found["error"] == code
    assert why in found["why"]
    assert found["message"]


def test_a_dataset_stays_as_it_was_opened_and_masks_what_is_personal(
    project: Project, ask: Callable[..., dict[str, Any]]
) -> None:
    catalog = Catalog(project)
    catalog.write(FRAME[:3], into="shop.orders")
    catalog.tag("column:shop.orders.word", add=["pii"])
    dataset = catalog.dataset("shop.orders")
    explorer = dataset.explore()
    catalog.write(FRAME[3:], into="shop.orders")
    assert ask(explorer)["found"]["data"] == [[3, 1, None], ["•••"] * 3]
    query = {**PLAIN, "sort": [{"column": "word", "descending": False}]}
    assert ask(explorer, query=query)["error"]["error"] == "forbidden"
    assert not any(b"^c$" in file.read_bytes() for file in Path(project.home).glob("grid/*"))
    static = explorer._repr_mimebundle_()
    assert "•••" in static["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in static


def test_pandas_frames_with_columns_of_mixed_kinds_are_refused() -> None:
    with pytest.raises(BadRequest, match="values of one kind"):
        ml.explore(pd.DataFrame({"x": [1, "a", object()]}))
