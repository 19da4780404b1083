"""The server while another program holds the catalog's file: all that only reads is answered, and
what writes waits without holding up anything else.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import current
from tests.catalog.test_locked import locked

READ: list[tuple[str, Any]] = [
    ("catalog/datasets", None),
    ("catalog/datasets/t.a", None),
    ("catalog/datasets/t.a/rows", None),
    ("workbench/search?q=t.a", None),
    ("catalog/sql", {"query": "SELECT * FROM t.a"}),
    ("jobs/jobs", None),
]


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.slow)])
async def test_a_write_waits_for_a_locked_catalog_and_holds_up_nothing(
    ask: Any, project: Project, seconds: float
) -> None:
    current().catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    for path, body in READ:  # what is loaded once is loaded
        assert (await ask(path, body)).code == 200
    free = await _times(ask)
    with locked(project.home / "catalog.db") as holder:
        tags = asyncio.ensure_future(ask("catalog/datasets/t.a/tags", {"add": ["late"]}))
        until = time.monotonic() + seconds
        took = await _times(ask)
        while time.monotonic() < until:
            took += await _times(ask)
        assert not tags.done()
        assert median(took) < 0.5 + 3 * median(free)
        holder.communicate("")
        assert (await tags).code == 200
    assert list(current().catalog.show("t.a").dataset.tags) == ["late"]


async def _times(ask: Any) -> list[float]:
    """How long each read takes, in seconds."""
    took = []
    for path, body in READ:
        started = time.monotonic()
        answer = await ask(path, body)
        took.append(time.monotonic() - started)
        assert answer.code == 200, answer.value
    return took
