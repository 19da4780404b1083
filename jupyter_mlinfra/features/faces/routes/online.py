"""Routes of the online store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from ....faces.handler import Handler, access, elsewhere
from ....faces.parameters import Len, Name

if TYPE_CHECKING:
    from ....jobs.spec import Job
    from ...spec import OnlineRow

read, _, execute = access("features")


class Online(Handler):
    @read
    def post(
        self,
        *,
        features: Annotated[list[Name], Len(1, 500)],
        entities: Annotated[list[dict[str, Any]], Len(1, 1000)],
    ) -> Sequence[OnlineRow]:
        """Online values of some entities; changes nothing."""
        return self.bench.features.online(features, entities)


class Materialize(Handler):
    @execute(slow=elsewhere)
    def post(self, name: str, *, start: datetime | None = None, end: datetime | None = None) -> Job:
        """Write a view's newest values to the online store: a job. Raises NotFound."""
        self.bench.features.show(name)
        times = {
            key: at.isoformat() if at else None for key, at in (("start", start), ("end", end))
        }
        return self.as_job("features materialize", name, of=name, **times)


ROUTES = {
    "features/views/{name}/materialize": Materialize,
    "features/online": Online,
}
