"""The verbs of deployments that read the payload log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from .targets.layout import payload_folder

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .payload_log import parts
    from .store import DeploymentStore


class LogVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore

    def payloads(
        self, name: str, *, since: datetime | None = None, shadow: bool = False
    ) -> pl.DataFrame:
        """Logged requests, one line per row: request_id, row, ts, deployment, version, status,
        latency_ms, params, prediction, then the inputs. shadow: the copies that shadows answered
        instead.
        """
        from .payload_log import reading

        self._store.deployment(name)
        return reading.scan(payload_folder(self._project, name), since, shadow=shadow)

    def payloads_lazily(self, name: str) -> pl.LazyFrame:
        """The same rows as a lazy frame, which reads one file at a time."""
        from .payload_log.lazy import lazy

        return lazy(payload_folder(self._project, self._store.deployment(name).name))

    def payload_parts(
        self,
        name: str,
        *,
        since: datetime,
        until: datetime,
        ids: Sequence[str] | None = None,
        read: str = "",
    ) -> Iterator[parts.Part]:
        """The same rows of a span of time, file by file; of a deployment that is gone too. ids:
        files that hold none of these requests are left out, as far as that can be known. read: and
        those that have not changed since `payloads_state` said this.
        """
        from .payload_log import parts

        folder = payload_folder(self._project, name)
        return parts.parts(folder, since, until, ids=ids, read=read)

    def payload_hours(self, name: str, *, since: float, until: float) -> Sequence[int]:
        """The hours that the payload log may have rows of in a span of time, by their start, in
        order; all are in seconds since 1970.
        """
        from .payload_log import parts

        return parts.hours(payload_folder(self._project, name), since, until)

    def payloads_since(self, name: str) -> datetime | None:
        """When the oldest file of the payload log was begun; None if nothing is logged."""
        from .payload_log import parts

        return parts.oldest(payload_folder(self._project, name))

    def payloads_state(self, name: str, *, since: datetime) -> str:
        """Changes with every entry that is logged, and with every file that is moved or merged,
        among the files that may hold rows from `since` on.
        """
        from .payload_log import parts

        return parts.state(payload_folder(self._project, name), since)

    def payloads_feedback(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        """Logged feedback: request_id, ts, reward, truth, truth_texts, truth_rows."""
        from .payload_log import reading

        self._store.deployment(name)
        return reading.feedback(payload_folder(self._project, name), since)

    def payloads_refused(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        """Refused and failed requests: request_id, ts, version, status, latency_ms, what, request
        (the beginning of its body as text).
        """
        from .payload_log import reading

        self._store.deployment(name)
        return reading.refused(payload_folder(self._project, name), since)

    def payloads_dropped(self, name: str, *, since: datetime | None = None) -> int:
        """Entries that could not be logged, in the files that were written to after `since`; for a
        killed process an upper bound.
        """
        from .payload_log import reading

        return reading.dropped(payload_folder(self._project, name), since)

    def payloads_problems(self, name: str, *, since: datetime | None = None) -> Sequence[str]:
        """What is missing since then, in files that could not be read."""
        from .payload_log.quarantine import problems

        return [*problems(payload_folder(self._project, name), since, None)]
