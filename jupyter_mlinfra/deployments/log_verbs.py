"""The verbs of deployments that read the payload log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from .targets.layout import payload_folder

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from . import parts
    from .store import DeploymentStore


class LogVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore

    def payloads(
        self, name: str, *, since: datetime | None = None, shadow: bool = False
    ) -> pl.DataFrame:
        """Logged requests, one line per row: request_id, row, ts, deployment, version, status,
        latency_ms, prediction, then the inputs. shadow: the copies that shadows answered instead.
        """
        from . import payloads

        self._store.deployment(name)
        return payloads.scan(payload_folder(self._project, name), since, shadow=shadow)

    def payload_parts(self, name: str, *, since: datetime, until: datetime) -> Iterator[parts.Part]:
        """The same rows of a span of time, file by file; also of a deployment that is gone."""
        from . import parts

        return parts.parts(payload_folder(self._project, name), since, until)

    def payloads_since(self, name: str) -> datetime | None:
        """When the oldest file of the payload log was begun; None if nothing is logged."""
        from . import parts

        return parts.oldest(payload_folder(self._project, name))

    def payloads_feedback(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        """Logged feedback: request_id, ts, reward, truth."""
        from . import payloads

        self._store.deployment(name)
        return payloads.feedback(payload_folder(self._project, name), since)

    def payloads_refused(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        """Refused and failed requests: request_id, ts, version, status, latency_ms, what, request
        (the beginning of its body as text).
        """
        from . import payloads

        self._store.deployment(name)
        return payloads.refused(payload_folder(self._project, name), since)

    def payloads_dropped(self, name: str, *, since: datetime | None = None) -> int:
        """Entries that could not be logged, in the files that were written to after `since`; for a
        killed process an upper bound.
        """
        from . import payloads

        return payloads.dropped(payload_folder(self._project, name), since)
