"""A model that ends something ends its own answer alone: at once, with the reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.deployments.bodies import open_inference_body, sample_body
from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.runtime import grpc_calls, grpc_seldon
from jupyter_mlinfra.deployments.runtime.asgi import Application
from jupyter_mlinfra.deployments.runtime.custom import Custom
from jupyter_mlinfra.deployments.runtime.served import Served


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StopIteration(), "StopIteration"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
    ids=["next", "exit", "interrupt"],
)
def test_what_ends_an_iteration_or_a_process_is_a_failure_of_the_model(
    models: Mapping[int, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: str,
) -> None:
    bundle = package(models[1], tmp_path / "bundles")
    monkeypatch.setenv("MLINFRA_BUNDLE", str(bundle.folder))
    for name in ("DEPLOYMENT", "VERSION", "MODEL"):
        monkeypatch.setenv(f"MLINFRA_{name}", "flights")
    served = Served()
    served.load()
    lean = Application(served, 1)

    def ends(_: Any) -> None:
        raise error

    monkeypatch.setattr(served.engine, "predict", ends)

    def asked(path: str, body: bytes, kind: str) -> tuple[int, Any]:
        headers = {"content-type": kind}.get
        answer = lean.respond(path, "POST", body, headers)
        return asyncio.run(asyncio.wait_for(answer, 10))

    for path, message in (
        ("/api/v1.0/predictions", sample_body(bundle)),
        ("/v2/models/flights/infer", open_inference_body(bundle, bundle.sample)),
    ):
        status, reply = asked(path, json.dumps(message).encode(), "application/json")
        assert status == 500
        assert json.loads(reply.body)["why"] == f"RuntimeError: the model raised {reason}"
    message = {**sample_body(bundle), "meta": {"puid": "", "requestPath": {}, "tags": {}}}
    data = grpc_seldon.from_body(json.dumps(message).encode()).SerializeToString()
    frame = b"\0" + len(data).to_bytes(4, "big") + data
    status, reply = asked("/seldon.protos.Model/Predict", frame, grpc_calls.CONTENT_TYPE)
    assert (status, reply.headers[grpc_calls.STATUS]) == (500, "13")
    assert reason in reply.headers[grpc_calls.MESSAGE].replace("%3A", ":")


def test_tags_that_end_the_process_are_left_out() -> None:
    class Own:
        def tags(self) -> Any:
            raise SystemExit

    assert Custom(Own()).said().tags == {}
