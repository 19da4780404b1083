"""The export to Argo: read by hera's models of Argo's API, in which every field must be found again; and its command line run for real."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hera.workflows.models import Workflow

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable

from .made_up import Bench, bench

__all__ = ["bench"]

FILE = """
    pipeline: Churn_v2
    description: Who leaves
    parameters: {depth: 6, name: "8", flag: true, tags: [a, b], rate: 1.0e-5}
    steps:
      load data: {notebook: lab/load.ipynb, out: rows.csv}
      Train_it:
        notebook: train.ipynb
        foreach: {max_depth: [4, 6]}
        params:
          {depth: "{{ depth }}", name: "{{ name }}", flag: "{{ flag }}", tags: ["{{ name }}", "{{ depth }}"], rate: "{{ rate }}",
           note: "on {{ date }} of {{ name }}", fixed: "12", nothing: null}
        in: rows.csv
        out: "models/{{ max_depth }}"
        resources: {gpus: 2, cpus: 4, memory_gib: 8, gpu_type: A100, queue: team}
        retries: 3
        time_limit_minutes: 90
      report: {notebook: report.ipynb, in: [rows.csv, "step:Train_it"], out: report.html}
    """.replace("load data", "load.data")


@pytest.fixture
def churn(bench: Bench) -> Bench:
    bench.workshop.notebook("lab/load", "1")
    names = ["depth", "name", "flag", "tags", "rate", "note", "fixed", "nothing", "max_depth"]
    cell = f"import json\njson.dump({{name: globals()[name] for name in {names}}}, open('given.json', 'w'))"
    bench.workshop.notebook("train", cell, parameters="\n".join(f"{name} = ..." for name in names))
    bench.workshop.notebook("report", "1")
    bench.workshop.pipeline(FILE)
    return bench


def lost(given: Any, back: Any, place: str = "") -> list[str]:
    """Places of what is not there any more once the models have read it: they leave out what Argo's API has not."""
    if isinstance(given, dict):
        return [item for key, value in given.items() for item in ([f"{place}.{key}"] if key not in back else lost(value, back[key], f"{place}.{key}"))]
    if isinstance(given, list):
        return [item for number, pair in enumerate(zip(given, back, strict=True)) for item in lost(*pair, f"{place}[{number}]")]
    return [] if str(given) == str(back) else [f"{place}: {given!r} became {back!r}"]


def read(body: dict[str, Any]) -> list[str]:
    return lost(body, Workflow.model_validate(body).model_dump(by_alias=True, exclude_none=True, mode="json"))


def exported(bench: Bench, **options: Any) -> dict[str, Any]:
    found = yaml.safe_load(bench.pipelines.export("Churn_v2", **options).text)
    assert read(found) == []
    return found


def test_the_check_finds_a_field_that_argo_has_not(churn: Bench):
    body = exported(churn)
    body["spec"]["templates"][0]["dag"]["tasks"][1]["dependz"] = "x"
    assert read(body) == [".spec.templates[0].dag.tasks[1].dependz"]


def test_steps_order_retries_resources_and_items_are_those_of_the_file(churn: Bench):
    body = exported(churn, image="repo/ml:1")
    parsed = Workflow.model_validate(body)
    tasks = {task.name: task for task in next(item for item in parsed.spec.templates if item.name == parsed.spec.entrypoint).dag.tasks}
    assert {name: task.depends for name, task in tasks.items()} == {"load-data": None, "train-it": "load-data", "report": "load-data && train-it"}
    assert body["spec"]["templates"][0]["dag"]["tasks"][1]["withItems"] == [{"max_depth": 4}, {"max_depth": 6}]
    train = next(item for item in body["spec"]["templates"] if item["name"] == "train-it")
    assert train["retryStrategy"]["limit"] == "3"
    assert train["activeDeadlineSeconds"] == 5400
    assert train["container"]["resources"] == {
        "requests": {"cpu": "4", "memory": "8192Mi", "nvidia.com/gpu": "2"}, "limits": {"memory": "8192Mi", "nvidia.com/gpu": "2"},
    }  # fmt: skip
    assert (train["nodeSelector"], train["metadata"]["labels"]) == ({"nvidia.com/gpu.product": "A100"}, {"kueue.x-k8s.io/queue-name": "team"})
    assert {item["container"]["image"] for item in body["spec"]["templates"][1:]} == {"repo/ml:1"}
    names = [item["name"] for item in body["spec"]["templates"]]
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in (*names, body["metadata"]["generateName"] + "x"))
    assert len(set(names)) == len(names)


def filled(text: str, values: dict[str, str]) -> str:
    """What Argo does: replace `{{name}}` by the text of its value."""
    return re.sub(r"\{\{([\w.-]+)\}\}", lambda found: values[found[1]], text)


def test_the_command_of_a_container_gives_the_notebook_the_same_values(churn: Bench):
    """Filled in as Argo would, and run by the shell that the manifest names."""
    body = exported(churn)
    container = next(item for item in body["spec"]["templates"] if item["name"] == "train-it")["container"]
    values = {f"workflow.parameters.{item['name']}": item.get("value", "2026-11-01") for item in body["spec"]["arguments"]["parameters"]}
    values |= {"inputs.parameters.max_depth": "4", "workflow.name": "churn-x", "pod.name": "pod-1"}
    words = [filled(word, values) for word in container["args"]]
    script = container["command"][:]
    script[2] = script[2].replace("python", sys.executable, 1)
    subprocess.run([*script, *words], cwd=churn.root, check=True, capture_output=True, text=True)
    given = json.loads((churn.root / "given.json").read_text())
    assert given == {
        "depth": 6, "name": "8", "flag": True, "tags": ["8", 6], "rate": 1e-5, "note": "on 2026-11-01 of 8", "fixed": "12", "nothing": None, "max_depth": 4,
    }  # fmt: skip
    assert (churn.root / ".mlinfra/argo/churn-x/train-it-pod-1.ipynb").exists()


def test_what_a_submit_must_say_and_what_is_not_the_same_there_is_told(churn: Bench):
    found = churn.pipelines.export("Churn_v2")
    parameters = {item["name"]: item for item in yaml.safe_load(found.text)["spec"]["arguments"]["parameters"]}
    assert (parameters["date"], parameters["image"]) == ({"name": "date"}, {"name": "image"})
    assert any("-p image=… -p date=…" in note for note in found.notes)
    assert all(f"# {note}" in found.text for note in found.notes)


def test_it_is_written_where_it_is_asked_for(churn: Bench, tmp_path: Path):
    found = churn.pipelines.export("Churn_v2", output=tmp_path / "argo.yaml")
    assert (tmp_path / "argo.yaml").read_text() == found.text
    assert found.path == str(tmp_path / "argo.yaml")


def test_a_secret_and_an_unknown_system_are_refused(churn: Bench):
    churn.workshop.notebook("s", "1", parameters="password = ''")
    churn.workshop.pipeline("pipeline: s\nsteps: {a: {notebook: s.ipynb, params: {password: env:DB_PASSWORD}}}", "s.mlpipeline.yaml")
    with pytest.raises(Unprocessable, match="takes a secret"):
        churn.pipelines.export("s")
    with pytest.raises(BadRequest, match="argo"):
        churn.pipelines.export("s", to="airflow")
