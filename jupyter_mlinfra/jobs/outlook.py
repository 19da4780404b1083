"""What waiting jobs can expect: their order and their start; what a job would meet if submitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.records import Number, Page, now, page_of
from .dispatch import Dispatch
from .queue.store import JobStore
from .settings import JobSettings
from .spec import Estimate, Job, JobSpec, QueuedJob
from .submit.checks import examine

if TYPE_CHECKING:
    from ..core.project import Project

QUEUE_LIMIT = 500
"""How many waiting jobs of a backend the queue shows."""


def queued(
    store: JobStore,
    dispatch: Dispatch,
    complete: Callable[[Iterable[Job]], Sequence[Job]],
    *,
    limit: int,
    cursor: str | None,
) -> Page[QueuedJob]:
    """See `Jobs.queue`. complete: adds to jobs what is not in the store."""
    at = now().timestamp()
    backends = [name for name in store.backends() if store.counts(backend=name)["queued"]]
    starts = {
        job: start for name in backends for job, start in dispatch.backend(name).starts().items()
    }
    ready = [
        item.id
        for name in backends
        for item in store.waiting(at=at, limit=QUEUE_LIMIT, backend=name)
    ]
    blocked = [
        job.id for job in store.blocked(at=at, limit=QUEUE_LIMIT) if job.id not in set(ready)
    ]
    page = page_of([*ready, *blocked], limit=limit, cursor=cursor)
    jobs = complete(map(store.job, page.items))
    items = [
        QueuedJob(position=position, job=job, starts_at=starts.get(job.id))
        for position, job in enumerate(jobs, int(cursor or 0) + 1)
    ]
    return Page(items=items, shown=page.shown, total=store.counts()["queued"], cursor=page.cursor)


def estimate(project: Project, store: JobStore, dispatch: Dispatch, spec: JobSpec) -> Estimate:
    """See `Jobs.estimate`."""
    backend = dispatch.backend(spec.backend)
    refused = ""
    try:
        spec = examine(spec, project.root)
        backend.check(spec)
    except MLInfraError as error:
        refused = str(error)
    earlier = [] if refused else store.durations(spec)
    seconds = median(earlier) if earlier else None
    prices = project.settings.of(JobSettings)
    price = (spec.gpus * prices.gpu_hour_price + spec.cpus * prices.cpu_hour_price) * max(
        1, len(spec.array)
    )
    return Estimate(
        starts_at=None if refused else backend.would_start(spec),
        seconds=None if seconds is None else Number(value=seconds, basis="est"),
        like=len(earlier),
        cost=(
            Number(value=price * seconds / 3600, basis="est")
            if price and seconds is not None
            else None
        ),
        refused=refused,
    )
