"""The manifest of a Workflow or CronWorkflow, as plain values. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import Unprocessable
from ..binding import elements_of
from ..definition import StepDefinition, placeholders, render
from .cron import cron_spec
from .plan import ArgoPlan, Scope, check, scope, slug, text_of
from .secret import PREPARE, environment, secrets_of

FOLDER = "/project"
"""Where the project is mounted in every container."""
_PAPERMILL = "exec python -m papermill --no-progress-bar"
_RUN = f'mkdir -p "$(dirname "$2")" && {_PAPERMILL} "$@"'
_RUN_WITH_SECRETS = (
    'program=$1 given=$2 notebook=$3; shift 3; mkdir -p "$(dirname "$1")" && python -c "$program"'
    f' "$notebook" /tmp/step.ipynb $given && {_PAPERMILL} /tmp/step.ipynb "$@"'
)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_TAG = re.compile(r"\{\{=?(.*?)\}\}")
_ALONE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def manifest(plan: ArgoPlan) -> dict[str, Any]:
    """The complete manifest. Raises Unprocessable for what Argo cannot do."""
    found = scope(plan)
    check(plan, found)
    labels = {"app.kubernetes.io/managed-by": "jupyter-mlinfra", "mlinfra/pipeline": plan.name}
    metadata: dict[str, Any] = {"labels": labels}
    if plan.definition.description:
        metadata["annotations"] = {"workflows.argoproj.io/description": plan.definition.description}
    body = _workflow(plan, found)
    if plan.schedule is None:
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"generateName": f"{plan.name}-", **metadata},
            "spec": body,
        }
    spec = cron_spec(plan.schedule, paused=plan.paused, workflow=body, labels=labels)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": slug(plan.schedule.name), **metadata},
        "spec": spec,
    }


def _workflow(plan: ArgoPlan, scope: Scope) -> dict[str, Any]:
    names = _names([step.name for step in plan.definition.steps])
    steps = [(step, items_of(plan, step)) for step in plan.definition.steps]
    arguments = [
        {"name": name} if text is None else {"name": name, "value": text}
        for name, text in scope.arguments.items()
    ]
    return {
        "entrypoint": "pipeline",
        "arguments": {"parameters": arguments},
        "volumes": [{"name": "project", "persistentVolumeClaim": {"claimName": plan.claim}}],
        "templates": [
            {
                "name": "pipeline",
                "dag": {"tasks": [_task(step, items, names, scope) for step, items in steps]},
            },
            *(_template(plan, step, items, names, scope) for step, items in steps),
        ],
    }


def items_of(plan: ArgoPlan, step: StepDefinition) -> list[Mapping[str, Any]]:
    """The items of a step's `foreach`; none without `foreach`."""
    return (
        [element.item for element in elements_of(plan.bound, step.name)]
        if step.foreach is not None
        else []
    )


def _task(
    step: StepDefinition, items: Sequence[Mapping[str, Any]], names: Mapping[str, str], scope: Scope
) -> dict[str, Any]:
    task: dict[str, Any] = {"name": names[step.name], "template": names[step.name]}
    if step.after:
        task["depends"] = " && ".join(names[before] for before in step.after)
    if items:
        task |= _loop(step, items, scope)
    return task


def _loop(step: StepDefinition, items: Sequence[Mapping[str, Any]], scope: Scope) -> dict[str, Any]:
    """A list that is a parameter of the pipeline is read when the workflow runs, any other one now.
    Items are text: a number could come back as another.
    """
    source = parameter_of(step, scope)
    if source is None:
        loop: dict[str, Any] = {
            "withItems": [{name: text_of(value) for name, value in item.items()} for item in items]
        }
    else:
        loop = {"withParam": scope.texts[source]}
    arguments = [
        {"name": name, "value": f"{{{{item.{name}}}}}" if source is None else "{{item}}"}
        for name in items[0]
    ]
    return loop | {"arguments": {"parameters": arguments}}


def parameter_of(step: StepDefinition, scope: Scope) -> str | None:
    """The pipeline parameter that is the only list of a `foreach`, `{depth: "{{ depths }}"}`; None
    for any other.
    """
    values = (
        next(iter(step.foreach.values()))
        if isinstance(step.foreach, Mapping) and len(step.foreach) == 1
        else None
    )
    placeholder = _ALONE.fullmatch(values.strip()) if isinstance(values, str) else None
    return placeholder[1] if placeholder and placeholder[1] in scope.arguments else None


def _template(
    plan: ArgoPlan,
    step: StepDefinition,
    items: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    scope: Scope,
) -> dict[str, Any]:
    template: dict[str, Any] = {"name": names[step.name]}
    if items:
        template["inputs"] = {"parameters": [{"name": name} for name in items[0]]}
    if step.queue:
        template["metadata"] = {
            "labels": {"kueue.x-k8s.io/queue-name": _label(step, "queue", step.queue)}
        }
    if step.gpu_type:
        template["nodeSelector"] = {
            "nvidia.com/gpu.product": _label(step, "gpu_type", step.gpu_type)
        }
    if step.retries:
        template["retryStrategy"] = {
            "limit": str(step.retries),
            "retryPolicy": "Always",
            "backoff": {"duration": "2", "factor": "2", "maxDuration": "1h"},
        }
    if step.time_limit_minutes is not None:
        template["activeDeadlineSeconds"] = max(1, round(step.time_limit_minutes * 60))
    return template | {"container": _container(plan, step, items, names[step.name], scope)}


def _container(
    plan: ArgoPlan,
    step: StepDefinition,
    items: Sequence[Mapping[str, Any]],
    name: str,
    scope: Scope,
) -> dict[str, Any]:
    item = _kinds(step, items)
    secrets = secrets_of(step, item, scope)
    executed = f".mlinfra/argo/{{{{workflow.name}}}}/{name}-{{{{pod.name}}}}.ipynb"
    arguments = [
        step.notebook,
        executed,
        "--cwd",
        step.notebook.rpartition("/")[0] or ".",
        *_words(step, item, scope, {secret.parameter for secret in secrets}),
    ]
    if secrets:
        arguments = [
            PREPARE,
            " ".join(f"{secret.parameter}={secret.variable}" for secret in secrets),
            *arguments,
        ]
    return {
        "image": plan.image or "{{workflow.parameters.image}}",
        "command": ["sh", "-c", _RUN_WITH_SECRETS if secrets else _RUN, "step"],
        "args": arguments,
        "workingDir": FOLDER,
        **({"env": environment(secrets, plan.secret)} if secrets else {}),
        "resources": _resources(step),
        "volumeMounts": [{"name": "project", "mountPath": FOLDER}],
    }


def _kinds(step: StepDefinition, items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first item, whose types are those of all. Raises Unprocessable if a name is text in one
    item and not in another.
    """
    for name in items[0] if items else ():
        if len({isinstance(item[name], str) for item in items}) > 1:
            why = (
                "Argo hands all items over as text, so the notebook could not distinguish 8 from"
                " '8'."
            )
            raise Unprocessable(
                f"foreach of step {step.name} has text and other values as {name}.",
                why,
                "Make all of them text, or none.",
            )
    return items[0] if items else {}


def _resources(step: StepDefinition) -> dict[str, dict[str, str]]:
    asked: dict[str, str] = {"cpu": str(max(1, step.cpus))}
    if step.memory_gib is not None:
        asked["memory"] = f"{max(1, round(step.memory_gib * 1024))}Mi"
    gpus = {"nvidia.com/gpu": str(max(1, int(step.gpus)))} if step.gpus else {}
    limits = {name: value for name, value in asked.items() if name == "memory"} | gpus
    return {"requests": asked | gpus} | ({"limits": limits} if limits else {})


def _words(
    step: StepDefinition, item: Mapping[str, Any], scope: Scope, secrets: set[str]
) -> list[str]:
    """Arguments of papermill's command line: texts as they are (`-r`), numbers parsed (`-p`), the
    rest as YAML (`-y`).
    """
    values = {**scope.typed, **item}
    names = {**scope.texts, **{name: f"{{{{inputs.parameters.{name}}}}}" for name in item}}
    arguments: list[str] = []
    for name, value in step.parameters.items():
        if name in secrets:
            continue
        if not any(True for _ in placeholders(value)):
            arguments += ["-y", json.dumps({name: value}, ensure_ascii=False)]
            continue
        filled = render(value, names)
        kind = render(value, values)
        if isinstance(kind, str):
            arguments += ["-r", name, filled]
        elif isinstance(kind, int | float) and not isinstance(kind, bool):
            arguments += ["-p", name, filled]
        else:
            arguments += ["-y", f"{json.dumps(name)}: {_yaml(filled, kind)}"]
    return arguments


def _yaml(filled: Any, kind: Any) -> str:
    """YAML in which the values that Argo fills in have their types: a text between quotes,
    everything else as it is.
    """
    if isinstance(filled, str):
        return _quoted(filled) if isinstance(kind, str) else filled
    if isinstance(filled, Mapping):
        return (
            "{"
            + ", ".join(
                f"{json.dumps(key)}: {_yaml(value, kind[key])}" for key, value in filled.items()
            )
            + "}"
        )
    if isinstance(filled, list):
        return "[" + ", ".join(_yaml(*pair) for pair in zip(filled, kind, strict=True)) + "]"
    return json.dumps(filled)


def _quoted(text: str) -> str:
    """Argo must quote what it fills in itself, because that may contain quotes."""
    parts, at = list[str](), 0
    for tag in _TAG.finditer(text):
        parts += [_literal(text[at : tag.start()]), tag[1]]
        at = tag.end()
    if not parts:
        return json.dumps(text, ensure_ascii=False)
    return f"{{{{=toJson({' + '.join(part for part in (*parts, _literal(text[at:])) if part)})}}}}"


def _literal(text: str) -> str:
    """A text in an Argo expression; empty for none."""
    return (
        "'"
        + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
        + "'"
        if text
        else ""
    )


def _label(step: StepDefinition, key: str, value: str) -> str:
    if not _LABEL.fullmatch(value):
        why = "It cannot be a label's value."
        raise Unprocessable(
            f"{value!r} cannot be the {key} of step {step.name} in Kubernetes.",
            why,
            "Use at most 63 letters, digits, dots and dashes.",
        )
    return value


def _names(steps: Sequence[str]) -> dict[str, str]:
    """A name that Kubernetes accepts for each step, all different."""
    names: dict[str, str] = {}
    for name in steps:
        free, number = slug(name) if slug(name) != "pipeline" else "pipeline-step", 1
        while free in names.values():
            number += 1
            free = f"{slug(name)}-{number}"
        names[name] = free
    return names
