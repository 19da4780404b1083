"""Long work ends when nobody waits for its answer any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import polars as pl
import pytest

from jupyter_mlinfra.catalog.looking.files import RowFile
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import current


async def test_a_profile_is_stopped_between_two_blocks_when_its_reader_leaves(
    project: Project,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    current().catalog.write(pl.DataFrame({"x": [1]}), into="d.t")
    began, ended = threading.Event(), threading.Event()

    def endless(_: RowFile, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
        began.set()
        try:
            while True:
                yield pl.DataFrame({key: [1] for key in keys})
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(RowFile, "blocks", endless)
    url = f"http://127.0.0.1:{http_server_client.get_http_port()}{jp_base_url}mlinfra/api/"
    async with httpx.AsyncClient(base_url=url, headers=jp_auth_header, timeout=60) as reader:
        asked = asyncio.ensure_future(reader.get("catalog/datasets/d.t/profile?tier=exact"))
        assert await asyncio.to_thread(began.wait, 30)
        assert not asked.done()
        asked.cancel()
    assert await asyncio.to_thread(ended.wait, 30)
