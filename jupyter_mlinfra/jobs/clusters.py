"""Which requests a cluster, which may answer late or never, may have to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .backends import LOCAL
from .queue.store import JobStore
from .settings import JobSettings

if TYPE_CHECKING:
    from ..core.project import Project


def may_ask_cluster(project: Project, job: str | None, *named: str | None) -> bool:
    """Whether the settings, an unfinished job, this job or the request itself (named) use another
    backend than this machine's. Raises NotFound.
    """
    store = JobStore(project.database)
    names = {project.settings.of(JobSettings).backend, *store.backends(), *named}
    if job is not None:
        names.update(store.job(found).backend for found in store.named(job).jobs[:1])
    return bool(names - {LOCAL, None})
