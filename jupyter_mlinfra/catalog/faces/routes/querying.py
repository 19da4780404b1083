"""SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ....faces.handler import Handler
from ....faces.parameters import Interval, Len, Name, Whole
from ....faces.reveal import viewer_of
from .rights import read, readable

if TYPE_CHECKING:
    from ...querying.answers import SqlAnswer

Query = Annotated[str, Len(1, 100_000), Whole()]


class Sql(Handler):
    @read(slow=True)
    def post(
        self,
        *,
        query: Query,
        parameters: Annotated[dict[Name, Any], Len(0, 1000)] | None = None,
        limit: Annotated[int, Interval(ge=1, le=10_000)] = 100,
        reveal: bool = False,
    ) -> SqlAnswer:
        """The answer to one SELECT over the tables that the user may read. `reveal` needs the right
        to read `mlinfra:catalog-pii`, and is recorded.
        """
        return self.bench.catalog.answer(
            query,
            parameters=parameters or {},
            limit=limit,
            reveal=viewer_of(self, reveal),
            domains=readable(self),
        )


ROUTES: dict[str, type[Handler]] = {
    "catalog/sql": Sql,
}
