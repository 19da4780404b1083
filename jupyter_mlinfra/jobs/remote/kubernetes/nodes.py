"""What nodes have, and what pods hold of it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...remote.kubernetes.settings import KubernetesSettings
from ...spec import Device, JobSpec
from .manifest import BATCH, INDEX, PROJECT, gpu_resource, gpu_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Compute. memory: bytes. devices: by the names of their resources."""

    cpus: float
    memory: float
    devices: Mapping[str, float]

    def text(self) -> str:
        """For people."""
        gpus = "".join(f", {count:.0f} {name}" for name, count in self.devices.items() if count)
        return f"{self.cpus:g} CPUs, {self.memory / 2**30:.0f} GiB{gpus}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that takes jobs. capacity: what it has for pods."""

    name: str
    labels: Mapping[str, str]
    capacity: Compute


def nodes_of(
    items: Iterable[Mapping[str, Any]], settings: KubernetesSettings, *, cordoned: bool = False
) -> list[Node]:
    """Nodes that match the settings' selector. cordoned: including those that take nothing at
    present.
    """
    found = []
    for item in items:
        meta, spec = item.get("metadata") or {}, item.get("spec") or {}
        labels = meta.get("labels") or {}
        if (cordoned or not spec.get("unschedulable")) and all(
            labels.get(name) == value for name, value in settings.node_selector.items()
        ):
            amounts = (item.get("status") or {}).get("allocatable") or {}
            found.append(
                Node(name=str(meta.get("name")), labels=labels, capacity=_room(amounts, settings))
            )
    return found


def free(node: Node, pods: Iterable[Mapping[str, Any]]) -> Compute:
    """What the visible pods leave of a node."""
    cpus, memory, devices = node.capacity.cpus, node.capacity.memory, dict(node.capacity.devices)
    for pod in _on(node, pods):
        for container in (pod.get("spec") or {}).get("containers") or ():
            asked = (container.get("resources") or {}).get("requests") or {}
            cpus -= amount(asked.get("cpu", 0))
            memory -= amount(asked.get("memory", 0))
            for name in devices:
                devices[name] -= amount(asked.get(name, 0))
    return Compute(cpus=cpus, memory=memory, devices=devices)


def room_for(
    spec: JobSpec, free: Compute, labels: Mapping[str, str], settings: KubernetesSettings
) -> bool:
    """Whether a job fits."""
    if spec.gpu_type and labels.get(settings.gpu_type_label) != gpu_type(spec, settings):
        return False
    gpus = all(
        free.devices.get(name, 0) >= float(count)
        for name, count in gpu_resource(spec, settings).items()
    )
    return gpus and free.cpus >= spec.cpus and free.memory >= (spec.memory_gib or 0) * 2**30


def devices_of(
    nodes: Sequence[Node],
    pods: Sequence[Mapping[str, Any]],
    ref_of: Callable[[str, int], str],
    project: str,
    settings: KubernetesSettings,
) -> list[Device]:
    """A device for each GPU of each node. It is unknown which one a pod has, so they are assigned
    in order. ref_of: our jobs, by batch and index.
    """
    found = list[Device]()
    for node in nodes:
        for resource, count in node.capacity.devices.items():
            holders = [
                holder
                for pod in _on(node, pods)
                for holder in [_holder(pod, ref_of, project)] * _asks(pod, resource)
            ]
            name = node.labels.get(settings.gpu_type_label) or resource.rpartition("/")[2]
            for index in range(int(count)):
                holder = holders[index] if index < len(holders) else ""
                found.append(
                    Device(
                        id=f"{node.name}:{len(found)}",
                        name=name,
                        holder=holder,
                        load=None,
                        memory=None,
                    )
                )
    return found


def _on(node: Node, pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    active = [
        pod for pod in pods if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
    return [pod for pod in active if (pod.get("spec") or {}).get("nodeName") == node.name]


def _asks(pod: Mapping[str, Any], resource: str) -> int:
    asked = (
        ((box.get("resources") or {}).get("requests") or {}).get(resource, 0)
        for box in (pod.get("spec") or {}).get("containers") or ()
    )
    return int(sum(amount(value) for value in asked))


def _holder(pod: Mapping[str, Any], ref_of: Callable[[str, int], str], project: str) -> str:
    meta = pod.get("metadata") or {}
    labels, index = meta.get("labels") or {}, int((meta.get("annotations") or {}).get(INDEX) or 0)
    our_ref = ref_of(str(labels.get(BATCH) or ""), index) if labels.get(PROJECT) == project else ""
    return our_ref or f"pod {meta.get('name')}"


def _room(amounts: Mapping[str, Any], settings: KubernetesSettings) -> Compute:
    names = (settings.gpu_resource, *settings.gpu_parts.values())
    devices = {name: amount(amounts[name]) for name in names if name in amounts}
    return Compute(
        cpus=amount(amounts.get("cpu", 0)), memory=amount(amounts.get("memory", 0)), devices=devices
    )


def amount(quantity: Any) -> float:
    """A quantity as Kubernetes writes it, such as `7910m` or `32Gi`."""
    from kubernetes.utils.quantity import parse_quantity

    return float(parse_quantity(quantity))
