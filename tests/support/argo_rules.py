"""What Argo would say to a manifest: its schema, by hera's models of its API, and the rules that no
schema holds.

Written from Argo's reference and its `workflow/validate`, and not from our manifests. A container
is also put into a Job, for Kubernetes' own schema and rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any
from zoneinfo import available_timezones

import kubernetes_validate
from fake_kubernetes.rules import DNS_SUBDOMAIN
from fake_kubernetes.rules import faults as job_faults
from hera.workflows.models import CronWorkflow, Workflow
from pydantic import ValidationError

MODELS = {"Workflow": Workflow, "CronWorkflow": CronWorkflow}
FIELD = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,126}[a-zA-Z0-9])?")
PARAMETER = re.compile(r"[-a-zA-Z0-9_]+")
DURATION = re.compile(r"\d+|(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
KINDS = (
    "container",
    "script",
    "dag",
    "steps",
    "suspend",
    "resource",
    "data",
    "http",
    "plugin",
    "containerSet",
)
FUNCTIONS = {"toJson", "sprig.dateInZone", "sprig.toDate"}
"""Those of Argo's that we know of."""
GLOBAL = ("workflow.name", "workflow.namespace", "workflow.uid")
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
WORDS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
WORDS |= {
    name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
}


def schema_faults(body: Mapping[str, Any]) -> list[str]:
    """Wrong types, and fields that the API has not: the models leave those out, so what is gone
    once they have read it is none of theirs.
    """
    try:
        read = MODELS[body["kind"]].model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        return [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        ]
    return list(lost(body, read.model_dump(by_alias=True, exclude_none=True, mode="json")))


def lost(given: Any, back: Any, place: str = "") -> Iterator[str]:
    """Places of what is in the first and not in the second."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            yield from (
                [f"{place}.{key}"] if key not in back else lost(value, back[key], f"{place}.{key}")
            )
    elif isinstance(given, list):
        for number, pair in enumerate(zip(given, back, strict=True)):
            yield from lost(*pair, f"{place}[{number}]")
    elif given != back:
        yield f"{place}: {given!r} became {back!r}"


def rule_faults(body: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a manifest that its schema lets pass."""
    meta, cron = body["metadata"], body["kind"] == "CronWorkflow"
    spec = body["spec"]["workflowSpec"] if cron else body["spec"]
    name = meta["name"] if cron else meta["generateName"] + "xxxxx"
    if not DNS_SUBDOMAIN.fullmatch(name) or len(name) > (52 if cron else 63):
        yield f"metadata.name: {name!r}"
    yield from _clock(body["spec"]) if cron else ()
    arguments = spec.get("arguments", {}).get("parameters", [])
    yield from _parameters("spec.arguments", arguments)
    yield from (
        f"spec.arguments.{item['name']}.value is required"
        for item in arguments
        if cron and "value" not in item
    )
    templates = {item["name"]: item for item in spec["templates"]}
    if len(templates) != len(spec["templates"]):
        yield "spec.templates: names are not unique"
    if spec["entrypoint"] not in templates:
        yield f"spec.entrypoint: {spec['entrypoint']!r} undefined"
    mutexes = spec.get("synchronization", {}).get("mutexes", [])
    yield from (
        f"spec.synchronization.mutexes: {item}"
        for item in mutexes
        if not DNS_SUBDOMAIN.fullmatch(item.get("name", ""))
    )
    known = {*GLOBAL, *(f"workflow.parameters.{item['name']}" for item in arguments)}
    for item in templates.values():
        yield from _template(item, templates, known, spec, cron=cron)


def _parameters(where: str, given: list[dict[str, Any]]) -> Iterator[str]:
    names = [item.get("name", "") for item in given]
    yield from (
        f"{where}.parameters.name: {name!r}" for name in names if not PARAMETER.fullmatch(name)
    )
    if len(set(names)) != len(names):
        yield f"{where}.parameters: names are not unique"


def _template(
    template: Mapping[str, Any],
    templates: Mapping[str, Any],
    known: set[str],
    spec: Mapping[str, Any],
    *,
    cron: bool,
) -> Iterator[str]:
    where = f"templates.{template['name']}"
    if not FIELD.fullmatch(template["name"]):
        yield f"{where}.name: invalid"
    if sum(kind in template for kind in KINDS) != 1:
        yield f"{where}: template type unspecified or more than one"
    inputs = template.get("inputs", {}).get("parameters", [])
    yield from _parameters(f"{where}.inputs", inputs)
    if "dag" in template:
        yield from _dag(where, template["dag"], templates, known)
        return
    own = known | {"pod.name"} | {f"inputs.parameters.{item['name']}" for item in inputs}
    yield from (
        f"{where}: failed to resolve {{{{{tag}}}}}"
        for tag in tags(template)
        if not _resolves(tag, own, cron=cron)
    )
    retry = template.get("retryStrategy", {})
    if "limit" in retry and not str(retry["limit"]).isdecimal():
        yield f"{where}.retryStrategy.limit: {retry['limit']!r}"
    if retry.get("retryPolicy", "Always") not in (
        "Always",
        "OnFailure",
        "OnError",
        "OnTransientError",
    ):
        yield f"{where}.retryStrategy.retryPolicy: {retry['retryPolicy']!r}"
    backoff = retry.get("backoff", {})
    yield from (
        f"{where}.retryStrategy.backoff.{key}"
        for key in ("duration", "maxDuration")
        if not DURATION.fullmatch(backoff.get(key, "1"))
    )
    if not 1 <= int(template.get("activeDeadlineSeconds", 1)) < 2**31:
        yield f"{where}.activeDeadlineSeconds: {template['activeDeadlineSeconds']!r}"
    yield from _container(where, template, spec)


def tags(value: Any) -> Iterator[str]:
    """What stands between braces, however deep."""
    if isinstance(value, str):
        yield from TAG.findall(value)
    for item in (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    ):
        yield from tags(item)


def _resolves(tag: str, known: set[str], *, cron: bool) -> bool:
    if not tag.startswith("="):
        return tag in known
    code = re.sub(r"'([^'\\]|\\.)*'", "", tag)  # an expression without its texts
    names = set(re.findall(r"(?:workflow|inputs|item|pod)\.[\w.]+", code))
    functions = set(re.findall(r"([\w.]+)\(", code))
    own = known | ({"workflow.scheduledTime"} if cron else set())
    return (
        names <= own
        and functions <= FUNCTIONS
        and code.count("(") == code.count(")")
        and "'" not in code
    )


def _dag(
    where: str, dag: Mapping[str, Any], templates: Mapping[str, Any], known: set[str]
) -> Iterator[str]:
    tasks = {task["name"]: task for task in dag["tasks"]}
    if len(tasks) != len(dag["tasks"]):
        yield f"{where}.tasks: names are not unique"
    before = {
        name: set(re.findall(r"[a-zA-Z0-9][-\w]*", task.get("depends", "")))
        for name, task in tasks.items()
    }
    for name, task in tasks.items():
        place = f"{where}.tasks.{name}"
        if not FIELD.fullmatch(name):
            yield f"{place}.name: invalid"
        yield from (
            f"{place}.depends: {other!r} not defined" for other in before[name] - set(tasks)
        )
        if not re.fullmatch(r"[-\w]+( && [-\w]+)*", task.get("depends", "x")):
            yield f"{place}.depends: {task['depends']!r}"
        yield from _arguments(place, task, templates, known)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        yield f"{where}: cycle {error.args[1]}"


def _arguments(
    place: str, task: Mapping[str, Any], templates: Mapping[str, Any], known: set[str]
) -> Iterator[str]:
    if task["template"] not in templates:
        yield f"{place}.template: {task['template']!r} undefined"
        return
    given = task.get("arguments", {}).get("parameters", [])
    yield from _parameters(f"{place}.arguments", given)
    wanted = {
        item["name"] for item in templates[task["template"]].get("inputs", {}).get("parameters", [])
    }
    yield from (
        f"{place}.arguments: parameter {name!r} was not supplied"
        for name in wanted - {item["name"] for item in given}
    )
    if "withItems" in task and "withParam" in task:
        yield f"{place}: only one of withItems and withParam"
    items, item = task.get("withItems"), set[str]()
    if items:
        item = (
            {"item", *(f"item.{key}" for key in items[0] if all(key in other for other in items))}
            if isinstance(items[0], Mapping)
            else {"item"}
        )
    elif "withParam" in task:
        item = {"item", *(tag for tag in tags(given) if tag.startswith("item."))}
    yield from (
        f"{place}: failed to resolve {{{{{tag}}}}}"
        for tag in [*tags(given), *tags(task.get("withParam", ""))]
        if tag not in known | item
    )


def _container(where: str, template: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    """As the pod that Argo makes of it."""
    container = {"name": "main", **template["container"]}
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": spec.get("volumes", []),
        "nodeSelector": template.get("nodeSelector", {}),
    }
    labels = template.get("metadata", {}).get("labels", {})
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "x", "namespace": "argo"},
        "spec": {"template": {"metadata": {"labels": labels}}},
    }
    job["spec"]["template"]["spec"] = pod
    yield from (f"{where}: {fault}" for fault in job_faults(job))
    try:
        kubernetes_validate.validate(job, "1.37", strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{where}: {error.message}"
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]]
    yield from (f"volumes: {claim!r}" for claim in claims if not DNS_SUBDOMAIN.fullmatch(claim))
    for variable in container.get("env", []):
        key = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key", "x")
        if not KEY.fullmatch(key):
            yield f"{where}: key {key!r} of a Secret"


def _clock(spec: Mapping[str, Any]) -> Iterator[str]:
    if spec.get("concurrencyPolicy", "Allow") not in ("Allow", "Forbid", "Replace"):
        yield f"spec.concurrencyPolicy: {spec['concurrencyPolicy']!r}"
    if spec.get("startingDeadlineSeconds", 0) < 0:
        yield "spec.startingDeadlineSeconds must be positive"
    if spec.get("timezone", "UTC") not in available_timezones():
        yield f"spec.timezone: {spec['timezone']!r}"
    for text in spec["schedules"]:
        fields = text.split()
        if len(fields) != 5:
            yield f"spec.schedules: {text!r}"
        yield from (
            f"spec.schedules: {field!r}"
            for field, bounds in zip(fields, BOUNDS, strict=False)
            if not _field(field, *bounds)
        )


def _field(field: str, low: int, high: int) -> bool:
    """Whether robfig/cron takes one field."""
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            return False
        if span in ("*", "?"):
            continue
        ends = [
            WORDS.get(end.lower(), int(end) if end.isdecimal() else -1) for end in span.split("-")
        ]
        if len(ends) > 2 or not all(low <= end <= high for end in ends) or ends != sorted(ends):
            return False
    return True
