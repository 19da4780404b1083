"""Routes that tell what is known of a view, and that store training sets."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from ....faces.handler import Handler, access, elsewhere
from ....faces.parameters import Cursor, Interval, Len, Limit, Name
from ....faces.reveal import viewer_of

if TYPE_CHECKING:
    from ....core.lineage import Edge
    from ....core.records import Page
    from ....jobs.spec import Job
    from ...knowing.spec import Explained, ViewComparison, ViewStatistics
    from ...knowing.uses import Use

read, write, execute = access("features")


class Explain(Handler):
    @read(slow=True)
    def post(
        self,
        name: str,
        *,
        entity: dict[str, Any],
        at: datetime | None = None,
        known_only: bool = False,
        limit: Annotated[int, Interval(ge=1, le=200)] = 20,
        reveal: bool = False,
    ) -> Explained:
        """Which row of a view a join takes for one entity at a time, and why it refuses every
        other; changes nothing. `known_only`: rows count only once they are written. `reveal` needs
        the right to read `mlinfra:catalog-pii`, and is recorded.
        """
        from ...knowing.digits import with_digits

        found = self.bench.features.explain(
            name,
            entity,
            at,
            known_only=known_only,
            limit=limit,
            reveal=viewer_of(self, reveal),
        )
        return with_digits(found)


class Statistics(Handler):
    @read(slow=True)
    def get(self, name: str, *, reveal: bool = False) -> ViewStatistics:
        """Profile, freshness, drift and skew of each feature of a view. `reveal` needs the right to
        read `mlinfra:catalog-pii`, and is recorded.
        """
        return self.bench.features.statistics(name, reveal=viewer_of(self, reveal))

    @execute(slow=elsewhere)
    def post(self, name: str) -> Job:
        """Run the code of an on-demand view on a sample of its inputs, for its statistics: a job.
        Raises NotFound.
        """
        self.bench.features.show(name)
        return self.as_job("features statistics", name, of=name, compute=True)


class Compare(Handler):
    @read
    def get(self, name: str, *, other: Name) -> ViewComparison:
        """What the view or version `other` has other than this one."""
        return self.bench.features.compare_views(name, other)


class Lineage(Handler):
    @read
    def get(self, name: str) -> Page[Edge]:
        """What a view was made from, and what was made from it."""
        return self.bench.features.lineage(name)


class Uses(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Use]:
        """What was made from the features of a view: models first, champions before all; named are
        those that the user may read.
        """
        named = self.allowed("read", ["experiments", "jobs"])
        return self.bench.features.uses(name, named=named, limit=limit, cursor=cursor)


class StoreTrainingSet(Handler):
    @write(slow=elsewhere)
    def post(
        self,
        *,
        name: Name,
        features: Annotated[list[Name], Len(1, 500)],
        entities: Name,
        at: Name = "event_timestamp",
    ) -> Job:
        """Join features to the rows of a dataset (`entities`) and store them as the dataset `name`:
        a job.
        """
        return self.as_job(
            "features snapshot", name, of=name, features=features, entities=entities, at=at
        )


ROUTES = {
    "features/views/{name}/explain": Explain,
    "features/views/{name}/statistics": Statistics,
    "features/views/{name}/compare": Compare,
    "features/views/{name}/lineage": Lineage,
    "features/views/{name}/uses": Uses,
    "features/snapshot": StoreTrainingSet,
}
