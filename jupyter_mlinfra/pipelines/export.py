"""A pipeline as an Argo workflow: the same steps, parameters, order, retries and resources, as text. Nothing of Argo is installed for it.

Source: https://argo-workflows.readthedocs.io/en/latest/fields/ (argoproj.io/v1alpha1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import BadRequest, Unprocessable
from ..core.secrets import is_reference
from .binding import elements_of
from .definition import Definition, StepDefinition, placeholders, render
from .spec import Exported

TARGETS = ("argo",)
FOLDER = "/project"
"""Where the project is in every container."""
_RUN = 'mkdir -p "$(dirname "$2")" && exec python -m papermill --no-progress-bar "$@"'
_ALONE = re.compile(r"\{\{[^{}]*\}\}\Z")


def export(definition: Definition, bound: Definition, *, to: str, image: str | None) -> Exported:
    """bound: the pipeline with its own defaults, for the items of `foreach`. Raises BadRequest, or Unprocessable for what Argo cannot do."""
    if to not in TARGETS:
        raise BadRequest(f"{to!r} is no system to export to.", f"There is: {', '.join(TARGETS)}.", "mlinfra pipelines export NAME --to argo")
    import yaml

    body = workflow(definition, bound, image=image)
    notes = _notes(definition, bound, image)
    head = "".join(f"# {note}\n" for note in (f"Made from {definition.path}; change that, and export it again.", *notes))
    return Exported(pipeline=definition.name, target=to, text=head + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1000), notes=notes)


def workflow(definition: Definition, bound: Definition, *, image: str | None) -> dict[str, Any]:
    """The manifest as plain values."""
    names = _names([step.name for step in definition.steps])
    name = _slug(definition.name)[:50].rstrip("-")
    steps = [(step, [element.item for element in elements_of(bound, step.name)] if step.foreach is not None else []) for step in definition.steps]
    spec: dict[str, Any] = {
        "entrypoint": "pipeline",
        "arguments": {"parameters": _arguments(definition, image)},
        "volumes": [{"name": "project", "persistentVolumeClaim": {"claimName": f"{name}-project"}}],
        "templates": [
            {"name": "pipeline", "dag": {"tasks": [_task(step, items, names) for step, items in steps]}},
            *(_template(step, items, names, definition, image) for step, items in steps),
        ],
    }
    metadata = {"generateName": f"{name}-", "labels": {"app.kubernetes.io/managed-by": "jupyter-mlinfra", "mlinfra/pipeline": name}}
    if definition.description:
        metadata["annotations"] = {"workflows.argoproj.io/description": definition.description}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec}


def _arguments(definition: Definition, image: str | None) -> list[dict[str, str]]:
    """What a submit can set; what has no value here it must set."""
    found = [{"name": name, "value": _text(value)} for name, value in definition.parameters.items()]
    if definition.date and definition.date not in definition.parameters:
        found.append({"name": definition.date})
    return found if image else [*found, {"name": "image"}]


def _task(step: StepDefinition, items: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    task: dict[str, Any] = {"name": names[step.name], "template": names[step.name]}
    if step.after:
        task["depends"] = " && ".join(names[before] for before in step.after)
    if items:
        task["withItems"] = [dict(item) for item in items]
        task["arguments"] = {"parameters": [{"name": name, "value": f"{{{{item.{name}}}}}"} for name in items[0]]}
    return task


def _template(step: StepDefinition, items: Sequence[Mapping[str, Any]], names: Mapping[str, str], definition: Definition, image: str | None) -> dict[str, Any]:
    own = names[step.name]
    folder = step.notebook.rpartition("/")[0] or "."
    executed = f".mlinfra/argo/{{{{workflow.name}}}}/{own}-{{{{pod.name}}}}.ipynb"
    template: dict[str, Any] = {"name": own}
    if items:
        template["inputs"] = {"parameters": [{"name": name} for name in items[0]]}
    if step.queue:
        template["metadata"] = {"labels": {"kueue.x-k8s.io/queue-name": step.queue}}
    if step.gpu_type:
        template["nodeSelector"] = {"nvidia.com/gpu.product": step.gpu_type}
    if step.retries:
        template["retryStrategy"] = {"limit": str(step.retries), "retryPolicy": "Always", "backoff": {"duration": "2", "factor": "2", "maxDuration": "1h"}}
    if step.time_limit_minutes is not None:
        template["activeDeadlineSeconds"] = max(1, round(step.time_limit_minutes * 60))
    template["container"] = {
        "image": image or "{{workflow.parameters.image}}",
        "command": ["sh", "-c", _RUN, "step"],
        "args": [step.notebook, executed, "--cwd", folder, *_words(step, items[0] if items else {}, definition)],
        "workingDir": FOLDER,
        "resources": _resources(step),
        "volumeMounts": [{"name": "project", "mountPath": FOLDER}],
    }
    return template


def _resources(step: StepDefinition) -> dict[str, dict[str, str]]:
    asked: dict[str, str] = {"cpu": str(max(1, step.cpus))}
    if step.memory_gib is not None:
        asked["memory"] = f"{round(step.memory_gib * 1024)}Mi"
    gpus = {"nvidia.com/gpu": str(max(1, int(step.gpus)))} if step.gpus else {}
    limits = {name: value for name, value in asked.items() if name == "memory"} | gpus
    return {"requests": asked | gpus} | ({"limits": limits} if limits else {})


def _words(step: StepDefinition, item: Mapping[str, Any], definition: Definition) -> list[str]:
    """Words of papermill's command line: texts as they are (`-r`), numbers read (`-p`), the rest as YAML (`-y`)."""
    known = {definition.date: ""} if definition.date else {}
    known |= {**definition.parameters, **item}
    names = {name: f"{{{{inputs.parameters.{name}}}}}" if name in item else f"{{{{workflow.parameters.{name}}}}}" for name in known}
    words: list[str] = []
    for name, value in step.parameters.items():
        _check_no_secret(step, name, render(value, known))
        if not any(True for _ in placeholders(value)):
            words += ["-y", json.dumps({name: value}, ensure_ascii=False)]
            continue
        filled = render(value, names)
        kind = render(value, known)
        if isinstance(kind, str):
            words += ["-r", name, filled]
        elif isinstance(kind, int | float) and not isinstance(kind, bool):
            words += ["-p", name, filled]
        else:
            words += ["-y", f"{json.dumps(name)}: {_yaml(filled, kind)}"]
    return words


def _yaml(filled: Any, kind: Any) -> str:
    """YAML in which what Argo fills in is read by its type: a text between quotes, all else as it stands."""
    if isinstance(filled, str):
        return filled if _ALONE.match(filled) and not isinstance(kind, str) else json.dumps(filled, ensure_ascii=False)
    if isinstance(filled, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {_yaml(value, kind[key])}" for key, value in filled.items()) + "}"
    if isinstance(filled, list):
        return "[" + ", ".join(_yaml(*pair) for pair in zip(filled, kind, strict=True)) + "]"
    return json.dumps(filled)


def _check_no_secret(step: StepDefinition, name: str, value: Any) -> None:
    if isinstance(value, str) and is_reference(value):
        raise Unprocessable(
            f"Step {step.name} takes a secret as its parameter {name}.",
            "A container of Argo would get its reference, not its value, and a manifest must hold neither.",
            "Let the notebook read it from the environment, and set that from a Kubernetes Secret.",
        )


def _notes(definition: Definition, bound: Definition, image: str | None) -> list[str]:
    notes = [
        f"The project lies on the volume claim {_slug(definition.name)[:50].rstrip('-')}-project, which every step mounts at {FOLDER}.",
        "Argo runs every step each time: the cache is not exported.",
    ]
    required = [] if image else ["image"]
    if definition.date and definition.date not in definition.parameters:
        required.append(definition.date)
    if required:
        notes.append(f"A submit has to say: {' '.join(f'-p {name}=…' for name in required)}")
    if any(0 < step.gpus < 1 for step in definition.steps):
        notes.append("A part of a GPU became a whole one.")
    if any(step.foreach is not None and any(True for _ in placeholders(step.foreach)) for step in definition.steps):
        notes.append(f"The items of foreach are those of the parameters' defaults ({len(bound.steps)} steps).")
    return notes


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"


def _names(given: Sequence[str]) -> dict[str, str]:
    """A name that Kubernetes takes for each step, no two the same."""
    found: dict[str, str] = {}
    for name in given:
        slug, number = _slug(name)[:50].rstrip("-"), 1
        own = slug if slug != "pipeline" else "pipeline-step"
        while own in found.values():
            number += 1
            own = f"{slug}-{number}"
        found[name] = own
    return found
