"""The gateway as a stranger uses it who has read the Open Inference Protocol's own OpenAPI file,
and as one who does not keep to it.

    MLINFRA_PROTOCOL=open_inference_rest.yaml python -m pytest tests/deployments/protocol.py

`make protocol FILE=…` runs it. The file is the protocol's (`specification/protocol` of its
repository); it is not part of this project.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.bodies import open_inference_body
from jupyter_mlinfra.deployments.packaging import load_bundle
from jupyter_mlinfra.deployments.runtimes import BUILT_IN

EXAMPLES = int(os.environ.get("MLINFRA_EXAMPLES", "150"))
"""Requests of each operation, kind of data and runtime."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The protocol's file; its paths are written as `${NAME}`, which OpenAPI spells `{NAME}`."""
    text = Path(os.environ["MLINFRA_PROTOCOL"]).read_text()
    found: dict[str, Any] = yaml.safe_load(text.replace("${", "{"))
    return found


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    project = kit.open_project(
        tmp_path_factory.mktemp("protocol"), "[deployments]\nworkers = 1\nqueue = 64\n"
    )
    found = Deployments(project, kit.Registry(models))
    for runtime in BUILT_IN:
        found.deploy(runtime, version="flights/1", runtime=runtime)
    yield found
    kit.clean_up(project)


class Walk:
    """Asks the gateway and keeps what breaks the document. codes: statuses by path."""

    def __init__(self, base: str, document: Mapping[str, Any]) -> None:
        self.base, self.document = base, document
        self.faults: list[str] = []
        self.codes: dict[str, Counter[int]] = {}

    def ask(self, case: Case) -> None:
        """One generated request."""
        try:
            answer = case.call(base_url=self.base)
        except requests.exceptions.InvalidURL:
            return  # no client can send it
        self.judge(case.operation.path, case.operation.method, answer)

    def judge(self, path: str, method: str, answer: Any) -> None:
        """An answer, against the document: no fault of the server, and bodies in its form."""
        status = answer.status_code
        self.codes.setdefault(path, Counter())[status] += 1
        if status >= 500:
            self.faults.append(f"{method} {path}: {status} {answer.text[:300]}")
            return
        described = self.document["paths"][path][method]["responses"].get(str(status), {})
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if status >= 400:
            schema = {"type": "object", "required": ["error"]}
        if schema is None:
            return
        try:
            whole = {**schema, "components": self.document["components"]}
            jsonschema.validate(json.loads(answer.content), whole)
        except (ValueError, jsonschema.ValidationError) as error:
            self.faults.append(f"{method} {path}: {status} {answer.text[:200]}: {error}"[:600])


def walk_of(deployments: Deployments, document: Mapping[str, Any], name: str) -> Walk:
    parts = urlsplit(deployments.show(name).deployment.url)
    return Walk(f"{parts.scheme}://{parts.netloc}", document)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.timeout(1800)
def test_no_request_is_a_fault_of_the_server_and_every_answer_is_as_documented(
    deployments: Deployments, document: dict[str, Any], name: str
) -> None:
    walk = walk_of(deployments, document, name)
    pids = {row.version: row.pids for row in deployments.show(name).deployment.versions}
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            for names in (None, {"MODEL_NAME": name, "MODEL_VERSION": "v1"}):
                given_names = names if names and "{MODEL_NAME}" in operation.path else None

                @seed(7)
                @settings(
                    max_examples=EXAMPLES,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(
                    case=operation.as_strategy(generation_mode=mode, path_parameters=given_names)
                )
                def ask(case: Case) -> None:
                    walk.ask(case)

                with contextlib.suppress(Unsatisfiable):  # nothing of it can be negated
                    ask()
    assert walk.faults == []
    asked = walk.codes["/v2/models/{MODEL_NAME}/versions/{MODEL_VERSION}"]
    assert asked[200] > 0
    assert pids == {row.version: row.pids for row in deployments.show(name).deployment.versions}


@pytest.mark.parametrize("name", BUILT_IN)
def test_good_requests_are_answered_as_documented(
    deployments: Deployments, document: dict[str, Any], name: str
) -> None:
    walk = walk_of(deployments, document, name)
    (row,) = deployments._store.deployment(name).versions
    body = open_inference_body(load_bundle(Path(row.bundle)), deployments.show(name).sample["data"])
    path = "/v2/models/{MODEL_NAME}/versions/{MODEL_VERSION}"
    url = walk.base + path.format(MODEL_NAME=name, MODEL_VERSION="v1")
    walk.judge(f"{path}/infer", "post", requests.post(f"{url}/infer", json=body, timeout=40))
    walk.judge(path, "get", requests.get(url, timeout=40))
    walk.judge(f"{path}/ready", "get", requests.get(f"{url}/ready", timeout=40))
    for known in ("/v2/health/live", "/v2/health/ready", "/v2/"):
        walk.judge(known, "get", requests.get(walk.base + known, timeout=40))
    assert walk.faults == []
    assert all(set(codes) == {200} for codes in walk.codes.values()), walk.codes
