"""Routes of the online store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ....faces.handler import Handler, access, elsewhere
from ....faces.parameters import Len, Name
from ....faces.parse import span
from ....faces.reveal import viewer_of

if TYPE_CHECKING:
    from ....jobs.spec import Job
    from ...spec import OnlineRow, Pushed

read, _, execute = access("features")


class Online(Handler):
    @read(slow=True)
    def post(
        self,
        *,
        features: Annotated[list[Name], Len(1, 500)],
        entities: Annotated[list[dict[str, Any]], Len(1, 1000)],
        reveal: bool = False,
    ) -> Sequence[OnlineRow]:
        """Online values of some entities; changes nothing. An on-demand view is computed in a
        process of its own, which needs the right to execute `mlinfra:features`; its entities have
        the columns of the request, too. `reveal` needs the right to read `mlinfra:catalog-pii`, and
        is recorded.
        """
        viewer = viewer_of(self, reveal)
        return self.bench.features.looked_up(
            features,
            entities,
            reveal=viewer,
            code="apart" if self.allowed("execute", ["features"]) else "never",
        )


class Materialize(Handler):
    @execute(slow=elsewhere)
    def post(
        self,
        name: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        every: Annotated[str, Len(1, 20)] | None = None,
        full: bool = False,
    ) -> Job:
        """Write a view's newest values to the online store: a job. `start`: from this event time
        on, in parts of `every` (`1d`); `full`: everything again. Raises NotFound, BadRequest.
        """
        span(every)
        self.bench.features.show(name)
        times = {
            key: at.isoformat() if at else None for key, at in (("start", start), ("end", end))
        }
        return self.as_job("features materialize", name, of=name, **times, every=every, full=full)


class Check(Handler):
    @execute(slow=elsewhere)
    def post(self, name: str) -> Job:
        """Compare a view's online values with what training reads, on a sample of keys: a job that
        fails if they differ. Raises NotFound.
        """
        self.bench.features.show(name)
        return self.as_job("features check", name, of=name)


class Push(Handler):
    @execute(slow=True)
    def post(
        self,
        *,
        name: Name,
        rows: Annotated[list[dict[str, Any]], Len(1, 10_000)],
        to: Literal["online", "offline", "both"] = "online",
    ) -> Pushed:
        """Write rows to the views that a push source feeds, or to one view. A row whose values are
        not of their types goes nowhere, and the answer names it.
        """
        return self.bench.features.push(name, rows, to=to)


ROUTES = {
    "features/push": Push,
    "features/views/{name}/check": Check,
    "features/views/{name}/materialize": Materialize,
    "features/online": Online,
}
