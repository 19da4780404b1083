"""What nodes have, what actors hold of it, and what a job needs, all under Ray's names of
resources. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...spec import Device

if TYPE_CHECKING:
    from collections.abc import Callable

CPU, GPU, MEMORY, ACCELERATOR = "CPU", "GPU", "memory", "accelerator_type:"
_MARGIN = 1e-6
Json = Mapping[str, Any]
Amounts = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A live node. capacity: what it has. free: what the visible actors leave of it."""

    id: str
    name: str
    capacity: Amounts
    free: Amounts


def nodes_of(items: Iterable[Json], actors: Iterable[Json]) -> list[Node]:
    """The nodes of the state API, by name."""
    held = dict[str, dict[str, float]]()
    for actor in actors:
        on = held.setdefault(str(actor.get("node_id") or ""), {})
        for name, amount in (actor.get("required_resources") or {}).items():
            on[name] = on.get(name, 0.0) + float(amount)
    found = []
    for item in items:
        ident, total = (
            str(item.get("node_id")),
            {name: float(amount) for name, amount in (item.get("resources_total") or {}).items()},
        )
        free = {name: amount - held.get(ident, {}).get(name, 0.0) for name, amount in total.items()}
        found.append(
            Node(
                id=ident,
                name=str(item.get("node_name") or item.get("node_ip") or ident),
                capacity=total,
                free=free,
            )
        )
    return sorted(found, key=lambda node: node.name)


def fits(needs: Amounts, free: Amounts) -> bool:
    """Whether there is room."""
    return all(free.get(name, 0.0) + _MARGIN >= amount for name, amount in needs.items())


def text_of(amounts: Amounts) -> str:
    """For people: 8 CPUs, 2 GPUs, 16 GiB."""
    cpus, gpus, memory = (amounts.get(name, 0.0) for name in (CPU, GPU, MEMORY))
    parts = [
        f"{cpus:g} {'CPU' if cpus == 1 else 'CPUs'}" if CPU in amounts else "",
        f"{gpus:g} {'GPU' if gpus == 1 else 'GPUs'}" if gpus else "",
    ]
    parts += [f"{memory / 2**30:.3g} GiB" if memory else "", *_others(amounts)]
    return ", ".join(part for part in parts if part) or "nothing"


def _others(amounts: Amounts) -> list[str]:
    our_jobs = [
        name
        for name in amounts
        if name not in (CPU, GPU, MEMORY, "object_store_memory") and not name.startswith("node:")
    ]
    return [name.removeprefix(ACCELERATOR) for name in sorted(our_jobs)]


def why(needs: Amounts, nodes: Sequence[Node], *, autoscaled: bool) -> str:
    """Why a job waits that Ray has not started."""
    if not nodes:
        return "Waits in Ray, which shows no node (PENDING)."
    if not any(fits(needs, node.capacity) for node in nodes):
        more = (
            "one has to come"
            if autoscaled
            else "they have "
            + "; ".join(f"{node.name}: {text_of(node.capacity)}" for node in nodes[:5])
        )
        return f"Waits in Ray for {text_of(needs)}: no node has that, {more} (PENDING)."
    if not any(fits(needs, node.free) for node in nodes):
        return f"Waits in Ray for {text_of(needs)}: not enough is free on any node (PENDING)."
    return "Ray is about to start it (PENDING)."


def devices_of(
    nodes: Sequence[Node], holders: Mapping[tuple[str, str], str], kind: Callable[[Node], str]
) -> list[Device]:
    """A device for each GPU of each node. holders: of those that our jobs hold, by the node's id
    and the GPU's number; for others Ray only counts.
    """
    found = list[Device]()
    for node in nodes:
        count = int(node.capacity.get(GPU, 0))
        own = {
            index: holders[node.id, str(index)]
            for index in range(count)
            if (node.id, str(index)) in holders
        }
        others = round(count - node.free.get(GPU, 0.0) + _MARGIN) - len(own)
        for index in range(count):
            holder = own.get(index, "")
            if not holder and others > 0:
                holder, others = "in use in Ray", others - 1
            found.append(
                Device(
                    id=f"{node.name}:{index}",
                    name=kind(node),
                    holder=holder,
                    load=None,
                    memory=None,
                )
            )
    return found


def gpu_kind(node: Node) -> str:
    """Ray's name for the GPUs of a node."""
    return next(
        (name.removeprefix(ACCELERATOR) for name in node.capacity if name.startswith(ACCELERATOR)),
        "GPU",
    )
