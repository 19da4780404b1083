"""The verbs of the online store: what is written to it, and what a request gets from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...core.errors import BadRequest
from ...core.records import to_json
from ...core.refs import named
from .. import statistics
from ..spec import Materialized, OnlineRow
from ..worker import call
from .base import FeatureVerbs


class OnlineVerbs(FeatureVerbs):
    """The newest values, for requests; a base of `Features`."""

    def materialize(
        self,
        view: str | Sequence[str] | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> list[Materialized]:
        """Copy the newest row of each entity to the online store, for one view or all; incremental,
        unless `start` sets the first event time.

        start, end: event times; `end` defaults to the setting `features.as_of`, else the clock;
        later rows are not copied. on_progress: called with (view, rows written, rows to write).
        Runs in a process of its own. Raises NotFound, Conflict for a view that is not online.
        """
        names = [view] if isinstance(view, str) else list(view or ())
        request = {
            "views": [named(name, "view") for name in names],
            "start": to_json(start),
            "end": to_json(end or self._now()),
        }
        results = call(self._project, "materialize", request, progress=on_progress)
        return [
            Materialized(
                **(item | {name: datetime.fromisoformat(item[name]) for name in ("start", "end")})
            )
            for item in results
        ]

    def due(self, name: str) -> datetime | None:
        """Newest event time of a view's source that may be online: not after the setting
        `features.as_of`, else not after now.

        None if the source has no such row or cannot be read.
        """
        return statistics.newest_until(self._project, self._view(name), self._now())

    def online(
        self, features: Sequence[str], entities: Sequence[Mapping[str, Any]]
    ) -> list[OnlineRow]:
        """The newest values of some entities, in their order; a value past its ttl is EXPIRED and
        None.

        features: `view:feature` or `view:*`. entities: the join keys of each. The ttl applies at
        the setting `features.as_of`, else now. Raises NotFound for an unknown feature, BadRequest
        for a missing key, Conflict for a view never materialized.
        """
        requested, views = self._requested(features), self._views()
        for name in requested:
            if not views[name].online:
                why = (
                    "Feast computes it from the request."
                    if views[name].kind == "on_demand"
                    else "Its definition says so."
                )
                raise BadRequest(
                    f"{name} is not served online.",
                    why,
                    "Use Features.feast().get_online_features, or set online=True and apply.",
                )
        return self._online.read(
            requested, views, self._store.materializations(), entities, self._now()
        )

    def serving(self, features: Sequence[str]) -> dict[str, Any]:
        """What a serving process needs to read these features online: {"requested": features by
        view, "views", "on_demand"} (see `serving.definitions_of`) and "requirements" of its
        environment.

        features: `view:feature` or `view:*`. Raises NotFound for an unknown feature, BadRequest for
        a view that is not online.
        """
        from .. import serving

        requested, views = self._requested(features), self._views()
        computed = any(views[name].kind == "on_demand" for name in requested)
        found = serving.definitions_of(requested, views, self.feast() if computed else None)
        return {
            "requested": requested,
            **found,
            "requirements": serving.requirements_of(self._project),
        }

    def serving_store(self) -> dict[str, Any]:
        """The online store for a serving process, with its passwords; see `serving.store_of`."""
        from ..serving import store_of

        return store_of(self._project)

    def warm(self) -> None:
        """Start to load what `online` needs (Feast takes seconds) in a thread. Returns at once."""
        self._online.warm()
