"""The export to Argo: what Argo would say to it (`argo_rules`), and its command line run for
real.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from argo_rules import rule_faults, schema_faults
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
          {depth: "{{ depth }}", name: "{{ name }}", flag: "{{ flag }}", rate: "{{ rate }}",
           tags: ["{{ name }}", "{{ depth }}", "it's {{ name }}: {{ date }}"],
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
    cell = (
        f"import json\njson.dump({{name: globals()[name] for name in {names}}}, open('given.json',"
        " 'w'))"
    )
    bench.workshop.notebook("train", cell, parameters="\n".join(f"{name} = ..." for name in names))
    bench.workshop.notebook("report", "1")
    bench.workshop.pipeline(FILE)
    return bench


def exported(bench: Bench, name: str = "Churn_v2", **options: Any) -> dict[str, Any]:
    """The manifest, once Argo's schema and rules have nothing to say to it."""
    body = yaml.safe_load(bench.pipelines.export(name, **options).text)
    assert [*schema_faults(body), *rule_faults(body)] == []
    return body


Spoil = Callable[[Any, Any, Any], object]
"""Breaks one thing, given the workflow's spec, its tasks, and the template of train-it."""
BROKEN: dict[str, tuple[Spoil, str]] = {
    "a misspelt field of a task": (
        lambda spec, tasks, train: tasks[1].update(dependz="x"),
        ".spec.templates[0].dag.tasks[1].dependz",
    ),
    "a misspelt field of a container": (
        lambda spec, tasks, train: train["container"].update(arg=["x"]),
        ".spec.templates[2].container.arg",
    ),
    "a misspelt field of a retry": (
        lambda spec, tasks, train: train["retryStrategy"].update(limits="3"),
        ".spec.templates[2].retryStrategy.limits",
    ),
    "a number for a text": (
        lambda spec, tasks, train: spec["arguments"]["parameters"][0].update(name=6),
        "name: Input should be a valid string",
    ),
    "a field that is missing": (
        lambda spec, tasks, train: train["container"].pop("image"),
        "image: ",
    ),
    "a template that is not there": (
        lambda spec, tasks, train: tasks[1].update(template="other"),
        "'other' undefined",
    ),
    "a step that is not there": (
        lambda spec, tasks, train: tasks[1].update(depends="load-data && other"),
        "'other' not defined",
    ),
    "a circle": (lambda spec, tasks, train: tasks[0].update(depends="report"), "cycle"),
    "a parameter that is not there": (
        lambda spec, tasks, train: train["container"]["args"].append(
            "{{workflow.parameters.dept}}"
        ),
        "failed to resolve",
    ),
    "a parameter of an expression": (
        lambda spec, tasks, train: train["container"]["args"].append(
            "{{=toJson(workflow.parameters.dept)}}"
        ),
        "failed to resolve",
    ),
    "a due time of no schedule": (
        lambda spec, tasks, train: train["container"]["args"].append(
            "{{=toJson(workflow.scheduledTime)}}"
        ),
        "failed to resolve",
    ),
    "an item that is not there": (
        lambda spec, tasks, train: tasks[1]["withItems"][0].pop("max_depth"),
        "failed to resolve {{item.max_depth}}",
    ),
    "an input that is not given": (
        lambda spec, tasks, train: tasks[1].pop("arguments"),
        "'max_depth' was not supplied",
    ),
    "an entry that is not there": (
        lambda spec, tasks, train: spec.update(entrypoint="other"),
        "entrypoint: 'other' undefined",
    ),
    "a name that DNS has not": (
        lambda spec, tasks, train: train.update(name="train_it"),
        "templates.train_it.name: invalid",
    ),
    "a quantity that is none": (
        lambda spec, tasks, train: train["container"]["resources"]["limits"].update(memory="8 GB"),
        "'8 GB': quantities",
    ),
    "half a GPU": (
        lambda spec, tasks, train: train["container"]["resources"]["limits"].update(
            {"nvidia.com/gpu": "0.5"}
        ),
        "must be an integer",
    ),
    "a volume that is not there": (
        lambda spec, tasks, train: train["container"]["volumeMounts"][0].update(name="data"),
        "Not found: 'data'",
    ),
    "no time at all": (
        lambda spec, tasks, train: train.update(activeDeadlineSeconds=0),
        "activeDeadlineSeconds: 0",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_the_check_finds(case: str, churn: Bench):
    body = exported(churn)
    spoil, fault = BROKEN[case]
    spoil(body["spec"], body["spec"]["templates"][0]["dag"]["tasks"], body["spec"]["templates"][2])
    assert any(fault in found for found in schema_faults(body) or rule_faults(body))


def test_steps_order_retries_resources_and_items_are_those_of_the_file(churn: Bench):
    body = exported(churn, image="repo/ml:1")
    parsed = Workflow.model_validate(body)
    tasks = {
        task.name: task
        for task in next(
            item for item in parsed.spec.templates if item.name == parsed.spec.entrypoint
        ).dag.tasks
    }
    assert {name: task.depends for name, task in tasks.items()} == {
        "load-data": None,
        "train-it": "load-data",
        "report": "load-data && train-it",
    }
    assert body["spec"]["templates"][0]["dag"]["tasks"][1]["withItems"] == [
        {"max_depth": "4"},
        {"max_depth": "6"},
    ]
    train = next(item for item in body["spec"]["templates"] if item["name"] == "train-it")
    assert train["retryStrategy"]["limit"] == "3"
    assert train["activeDeadlineSeconds"] == 5400
    assert train["container"]["resources"] == {
        "requests": {"cpu": "4", "memory": "8192Mi", "nvidia.com/gpu": "2"},
        "limits": {"memory": "8192Mi", "nvidia.com/gpu": "2"},
    }
    assert (train["nodeSelector"], train["metadata"]["labels"]) == (
        {"nvidia.com/gpu.product": "A100"},
        {"kueue.x-k8s.io/queue-name": "team"},
    )
    assert {item["container"]["image"] for item in body["spec"]["templates"][1:]} == {"repo/ml:1"}


def filled(text: str, values: dict[str, str]) -> str:
    """What Argo does: replace `{{name}}` by the text of its value, and `{{=…}}` by that of an
    expression, which here reads as Python.
    """

    def replaced(found: re.Match[str]) -> str:
        if not found[1].startswith("="):
            return values[found[1]]
        code = re.sub(
            r"'(?:[^'\\]|\\.)*'|((?:workflow|inputs)\.[\w.]+)",
            lambda part: f"values[{part[1]!r}]" if part[1] else part[0],
            found[1][1:],
        )
        return eval(code, {"values": values, "toJson": json.dumps})

    return re.sub(r"\{\{(.*?)\}\}", replaced, text)


NAME = 'the "8"\\n'
"""Quotes and a backslash, as a submit may give them."""


def test_the_command_of_a_container_gives_the_notebook_the_same_values(churn: Bench):
    """Filled in as Argo would, and run by the shell that the manifest names."""
    body = exported(churn)
    container = next(item for item in body["spec"]["templates"] if item["name"] == "train-it")[
        "container"
    ]
    values = {
        f"workflow.parameters.{item['name']}": item.get("value", "2026-11-01")
        for item in body["spec"]["arguments"]["parameters"]
    }
    values |= {
        "inputs.parameters.max_depth": "4",
        "workflow.name": "churn-x",
        "pod.name": "pod-1",
        "workflow.parameters.name": NAME,
    }
    words = [filled(word, values) for word in container["args"]]
    script = container["command"][:]
    script[2] = script[2].replace("python", sys.executable, 1)
    subprocess.run([*script, *words], cwd=churn.root, check=True, capture_output=True, text=True)
    given = json.loads((churn.root / "given.json").read_text())
    assert given == {
        "depth": 6,
        "name": NAME,
        "flag": True,
        "tags": [NAME, 6, f"it's {NAME}: 2026-11-01"],
        "rate": 1e-5,
        "note": f"on 2026-11-01 of {NAME}",
        "fixed": "12",
        "nothing": None,
        "max_depth": 4,
    }
    assert (churn.root / ".mlinfra/argo/churn-x/train-it-pod-1.ipynb").exists()


def test_what_a_submit_must_say_and_what_is_not_the_same_there_is_told(churn: Bench):
    found = churn.pipelines.export("Churn_v2")
    parameters = {
        item["name"]: item for item in yaml.safe_load(found.text)["spec"]["arguments"]["parameters"]
    }
    assert (parameters["date"], parameters["image"]) == ({"name": "date"}, {"name": "image"})
    assert any("-p image=… -p date=…" in note for note in found.notes)
    assert all(f"# {note}" in found.text for note in found.notes)


def test_it_is_written_where_it_is_asked_for(churn: Bench, tmp_path: Path):
    found = churn.pipelines.export("Churn_v2", output=tmp_path / "argo.yaml")
    assert (tmp_path / "argo.yaml").read_text() == found.text
    assert found.path == str(tmp_path / "argo.yaml")


ITEMS = """
    pipeline: Churn_v2
    parameters: {depths: [4, 1.0, 1.0e-5]}
    steps:
      one: {notebook: one.ipynb, foreach: {depth: "{{ depths }}"}, out: "one/{{ depth }}"}
      fixed: {notebook: both.ipynb, foreach: {a: "{{ depths }}", b: [x]}, out: "fixed/{{ a }}"}
    """


def test_a_list_that_is_a_parameter_is_read_when_the_workflow_runs(bench: Bench):
    bench.workshop.notebook("one", "1", parameters="depth = 0")
    bench.workshop.notebook("both", "1", parameters="a = 0\nb = ''")
    bench.workshop.pipeline(ITEMS)
    body = exported(bench)
    one, fixed = body["spec"]["templates"][0]["dag"]["tasks"]
    assert (one["withParam"], one["arguments"]["parameters"]) == (
        "{{workflow.parameters.depths}}",
        [{"name": "depth", "value": "{{item}}"}],
    )
    assert [item["a"] for item in fixed["withItems"]] == [
        "4",
        "1.0",
        "1e-05",
    ], "as text: 1.0 in YAML would come back as 1"
    assert body["spec"]["arguments"]["parameters"][0] == {
        "name": "depths",
        "value": "[4, 1.0, 1e-05]",
    }
    notes = bench.pipelines.export("Churn_v2").notes
    assert [note for note in notes if "foreach" in note] == [
        "The items of foreach are those of the parameters' defaults: fixed."
    ]


REFUSED = {
    "items of two kinds": (
        "steps: {a: {notebook: a.ipynb, foreach: {x: [1, one]}, out: 'a/{{ x }}'}}",
        "text and other values as x",
    ),
    "a name with an accent": (
        "parameters: {taillé: 1}\nsteps: {a: {notebook: a.ipynb, params: {x: '{{ taillé }}'}}}",
        "no parameter called taillé",
    ),
    "braces in a value": (
        "parameters: {y: '{{z'}\nsteps: {a: {notebook: a.ipynb, params: {x: '{{ y }}'}}}",
        "would fill in",
    ),
    "a parameter that is called image": (
        "parameters: {image: 1}\nsteps: {a: {notebook: a.ipynb}}",
        "two parameters called image",
    ),
    "a queue that is no label": (
        "steps: {a: {notebook: a.ipynb, resources: {queue: 'my team'}}}",
        "cannot be the queue of step a",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_argo_would_misread_is_refused(case: str, bench: Bench):
    bench.workshop.notebook("a", "1", parameters="x = 0")
    text, fault = REFUSED[case]
    bench.workshop.pipeline(f"pipeline: p\n{text}")
    with pytest.raises(Unprocessable, match=fault) as caught:
        bench.pipelines.export("p")
    assert caught.value.why
    assert caught.value.fix


def test_an_unknown_system_is_refused(churn: Bench):
    with pytest.raises(BadRequest, match="argo"):
        churn.pipelines.export("Churn_v2", to="airflow")
