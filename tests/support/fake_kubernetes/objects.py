"""The objects of the fake, plain JSON as the API has it, and small words about them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

INDEX = "batch.kubernetes.io/job-completion-index"
UNITS = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def stamp() -> str:
    """Now, in whole seconds as the API writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def amount(quantity: Any) -> float:
    """A quantity in numbers."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(quantity)).groups()  # type: ignore[union-attr]
    return float(number) * UNITS[unit]


def node(name: str, *, cpus: int, memory: str, gpus: int) -> dict[str, Any]:
    """A node."""
    room = {"cpu": str(cpus), "memory": memory, "pods": "110", "nvidia.com/gpu": str(gpus)}
    labels = {"kubernetes.io/hostname": name, "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {"capacity": room, "allocatable": room},
    }


def requests_of(pod: Mapping[str, Any]) -> dict[str, float]:
    """What a pod asks for; a limit without a request is one."""
    resources = pod["spec"]["containers"][0].get("resources") or {}
    return {
        name: amount(value)
        for name, value in {
            **(resources.get("limits") or {}),
            **(resources.get("requests") or {}),
        }.items()
    }


def set_condition(
    thing: dict[str, Any], kind: str, *, status: str = "True", reason: str = "", message: str = ""
) -> None:
    """Set or replace a condition."""
    conditions = [
        item for item in thing["status"].setdefault("conditions", []) if item["type"] != kind
    ]
    thing["status"]["conditions"] = [
        *conditions,
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": stamp(),
        },
    ]


def has_condition(thing: Mapping[str, Any], kind: str) -> bool:
    """Whether a condition is true."""
    return any(
        item["type"] == kind and item["status"] == "True"
        for item in thing["status"].get("conditions", [])
    )


def pod_of(job: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The pod of an element, as the Job controller makes it."""
    template, name, uid = job["spec"]["template"], job["metadata"]["name"], str(uuid.uuid4())
    own = {
        "batch.kubernetes.io/job-name": name,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
        INDEX: str(index),
    }
    meta = template.get("metadata") or {}
    return {
        "metadata": {
            "name": f"{name}-{index}-{uid[:5]}",
            "namespace": job["metadata"]["namespace"],
            "uid": uid,
            "creationTimestamp": stamp(),
            "labels": {**(meta.get("labels") or {}), **own},
            "annotations": {**(meta.get("annotations") or {}), INDEX: str(index)},
            "ownerReferences": [
                {"kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
            ],
        },
        "spec": {**template["spec"]},
        "status": {"phase": "Pending"},
    }


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` as the kubelet expands it: unknown names stay, `$$` is a dollar."""
    return re.sub(
        r"\$\$|\$\((.*?)\)",
        lambda found: "$" if found[0] == "$$" else known.get(found[1], found[0]),
        text,
    )
