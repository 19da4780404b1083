"""The gateway of a project, asked by HTTP as the suites of all runtimes do."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pandas as pd

from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.bodies import open_inference_body
from jupyter_mlinfra.deployments.packaging import load_bundle


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Gate:
    """The gateway of a project whose deployments have the same model. name: of one of them."""

    def __init__(self, deployments: Deployments, name: str) -> None:
        self.deployments, self._name = deployments, name
        self.base = urlsplit(deployments.show(name).deployment.url)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request to the gateway."""
        connection = http.client.HTTPConnection(self.base.netloc, timeout=40)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(
            method, path, data, {"Content-Type": "application/json", **(headers or {})}
        )
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        given = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return Answer(answer.status, json.loads(text), given)
        except ValueError:
            return Answer(answer.status, text, given)

    def v1(self, name: str, path: str = "api/v1.0/predictions") -> str:
        """A path of Seldon's protocol."""
        return f"/seldon/test/{name}/{path}"

    def v2(self, name: str, path: str = "/infer") -> str:
        """A path of the Open Inference Protocol."""
        return f"/v2/models/{name}{path}"

    def body(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Rows in the Open Inference Protocol."""
        row = next(iter(self.deployments._store.deployment(self._name).versions))
        rows = json.loads(frame.to_json(orient="values", double_precision=15))
        return open_inference_body(load_bundle(Path(row.bundle)), {"ndarray": rows})
