"""What is sent: jobs of the queue as batches, each with its order in the folder of the attempt that
will be its next.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from types import MappingProxyType

from ...core import variables
from ...core.files import make_below
from ...core.processes import TOKEN
from ..attempt.environment import for_other_machines
from ..attempt.files import Attempt
from ..backends import launch
from ..backends.launch import Place
from ..queue.rows import JobEntry
from . import Batch, Parcel
from .batches import Shipment
from .guard_files import Order

_OF_OURS = {TOKEN, "CUDA_VISIBLE_DEVICES"}


def keys_of(
    entries: Sequence[JobEntry], most: int, fewer: Mapping[str, int] = MappingProxyType({})
) -> list[dict[str, str]]:
    """New keys for waiting jobs, one mapping per batch: up to `most` elements of an array together,
    other jobs alone. fewer: limits of arrays by their ids.

    A key is `BATCH.ATTEMPT.INDEX`. Elements with a secret of a keyring are sent alone, since its
    value is in the environment, which a batch shares.
    """
    batches = list[list[JobEntry]]()
    for part_of, group in groupby(sorted(entries, key=_together), key=_together):
        is_single = part_of[0] == ""
        entries_left = iter(group)
        while batch := list(
            islice(entries_left, 1 if is_single else min(most, fewer.get(part_of[0], most)))
        ):
            batches.append(batch)
    order = {entry.job.id: place for place, entry in enumerate(entries)}
    batches.sort(key=lambda batch: min(order[entry.job.id] for entry in batch))
    keys = []
    for batch in batches:
        name = secrets.token_hex(8)
        keys.append(
            {
                entry.job.id: f"{name}.{entry.job.attempt + 1}.{index}"
                for index, entry in enumerate(batch)
            }
        )
    return keys


def _together(entry: JobEntry) -> tuple[str, int, str]:
    has_own_secret = any(value.startswith("keyring:") for value in entry.spec.environment.values())
    return (
        "" if has_own_secret else entry.job.part_of or "",
        entry.job.attempt,
        entry.launch.environment,
    )


def batch_name(key: str) -> str:
    """The batch of a key."""
    return key.partition(".")[0]


def first_attempt(key: str) -> int:
    """Number of the attempt that was sent with a key."""
    return int(key.split(".")[1])


def in_doubt(entries: Iterable[JobEntry]) -> list[list[JobEntry]]:
    """Jobs whose arrival is uncertain, grouped as they were to be sent."""
    return [
        list(group)
        for _, group in groupby(
            sorted(entries, key=lambda entry: entry.token),
            key=lambda entry: batch_name(entry.token),
        )
    ]


def batch_of(
    entries: Sequence[JobEntry], place: Place, *, grace_seconds: float, log_bytes: int, cluster: str
) -> Batch:
    """Jobs whose keys are recorded, with their orders and where they are sent. Raises what `launch`
    does, and OSError.
    """
    inherited = for_other_machines(launch.inherited_by(entries[0]))
    is_single, name = len(entries) == 1, batch_name(entries[0].token)
    parcels = []
    for entry in entries:
        number = first_attempt(entry.token)
        attempt = Attempt.of(place.home, entry.job.id, number)
        make_below(place.home, attempt.folder)
        minutes = entry.spec.time_limit_minutes
        order = Order(
            command=launch.command_of(entry, place, attempt),
            shown=(entry.spec.command or [""])[0],
            folder=entry.launch.folder,
            environment={
                **({} if is_single else entry.spec.environment),
                **launch.ours(entry, place),
                **_origin(entry),
            },
            gpus=entry.spec.gpus > 0,
            token=entry.token,
            limit_seconds=None if minutes is None else minutes * 60,
            grace_seconds=grace_seconds,
            log_bytes=log_bytes,
        )
        order.write(attempt)
        parcels.append(Parcel(entry=entry, key=entry.token, attempt=number, folder=attempt.folder))
    ids = {index_of(entry.token): entry.job.id for entry in entries}
    Shipment(cluster=cluster, jobs=[ids.get(index, "") for index in range(max(ids) + 1)]).write(
        place.home / "jobs", name
    )
    environment = {**inherited, **(launch.resolved(entries[0], inherited) if is_single else {})}
    return Batch(
        name=name,
        attempt=first_attempt(entries[0].token),
        parcels=parcels,
        environment={k: v for k, v in environment.items() if k not in _OF_OURS},
    )


def _origin(entry: JobEntry) -> dict[str, str]:
    """Where a run that the job tracks comes from."""
    pipeline, step = entry.job.labels.get("pipeline", ""), entry.job.labels.get("step", "")
    values = {
        variables.NOTEBOOK: entry.spec.notebook or "",
        variables.STEP: f"{pipeline}/{step}" if pipeline and step else "",
    }
    return {name: value for name, value in values.items() if value}


def index_of(key: str) -> int:
    """Index in its batch."""
    return int(key.rsplit(".", 1)[1])
