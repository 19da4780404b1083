"""The event loop of the lean server goes on whatever is asked of the model."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.deployments.runtime import engine, served
from jupyter_mlinfra.deployments.runtime.asgi import FEEDBACK_BYTES, Application
from jupyter_mlinfra.deployments.runtime.contract import Column
from jupyter_mlinfra.deployments.runtime.served import Served
from jupyter_mlinfra.deployments.runtime.table import TableContract

LIMIT = 20.0
JSON = {"content-type": "application/json"}.get


class Slow:
    """A model that answers its sample when it is let, by an error."""

    def __init__(self) -> None:
        self.asked = 0
        self.let = threading.Event()

    def predict(self, _: Any) -> Any:
        self.asked += 1
        assert self.let.wait(LIMIT)
        raise ValueError("it needs more than the sample")


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Served:
    (tmp_path / "bundle.json").write_text("{}")
    monkeypatch.setattr(served.Packaged, "of", lambda _: PACKAGED)
    monkeypatch.setattr(engine, "sample_batch", lambda *_: None)
    monkeypatch.setenv("MLINFRA_BUNDLE", str(tmp_path))
    for name in ("DEPLOYMENT", "VERSION", "MODEL"):
        monkeypatch.setenv(f"MLINFRA_{name}", name.lower())
    found = Served()
    found.engine = Slow()  # type: ignore[assignment]
    found.contract = TableContract([Column("a", "double")])
    return found


PACKAGED: Any = SimpleNamespace(engine="pyfunc", output_names=["score"])


def test_the_outputs_of_a_model_are_asked_for_beside_the_loop_and_once(version: Served) -> None:
    app, model = Application(version, 3), version.engine

    async def ask(path: str) -> bytes:
        status, reply = await app.respond(path, "GET", b"", JSON)
        assert status == 200
        return reply.body

    async def work() -> None:
        pages = [asyncio.create_task(ask("/v2/models/deployment")) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await ask("/health/ping") == b"pong"
        assert not any(page.done() for page in pages)
        model.let.set()
        for page in await asyncio.gather(*pages):
            assert [item["name"] for item in json.loads(page)["outputs"]] == ["score"]
        await ask("/v2/models/deployment/versions/version")

    asyncio.run(asyncio.wait_for(work(), LIMIT))
    app.pool.close()
    assert model.asked == 1


def test_large_feedback_is_read_beside_the_loop(
    version: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = list[str]()
    app, read = Application(version, 3), version.feedback

    def feedback(message: Any) -> None:
        readers.append(threading.current_thread().name)
        read(message)

    monkeypatch.setattr(version, "feedback", feedback)

    async def send(truth: list[float]) -> None:
        response = {"meta": {"puid": "r"}}
        body = json.dumps({"response": response, "truth": {"data": {"ndarray": [truth]}}}).encode()
        status, _ = await app.respond("/api/v1.0/feedback", "POST", body, JSON)
        assert status == 200

    async def work() -> None:
        await send([0.5])
        await send([0.5] * FEEDBACK_BYTES)

    asyncio.run(asyncio.wait_for(work(), LIMIT))
    app.pool.close()
    assert readers == [threading.current_thread().name, "model-1"]
