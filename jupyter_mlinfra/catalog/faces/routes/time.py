"""Earlier states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....faces import parse
from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Cursor, Interval, Len, Limit, Many, Name, words
from ....faces.reveal import viewer_of
from .rights import may_be_of, read, write

if TYPE_CHECKING:
    from ....core.records import Page
    from ....jobs.spec import Job
    from ...spec import DatasetDetail, Snapshot
    from ...time.spec import Diff, ExpiryPlan, Restored

Names = Annotated[tuple[Name, ...], Len(0, 50)]
Keep = Annotated[int, Interval(ge=1, le=1_000_000)]


class DatasetSnapshots(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Snapshot]:
        """Commits, newest first."""
        return self.bench.catalog.snapshots(name, limit=limit, cursor=cursor)


class DatasetDiff(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        before: Name,
        after: Name | None = None,
        key: Many = "",
        examples: Annotated[int, Interval(ge=0, le=100)] = 5,
        reveal: bool = False,
    ) -> Diff:
        """What differs between two snapshots, tags or times; `after` is the newest one if it is not
        given. `key`: columns separated by commas that tell which row is which. `reveal` needs the
        right to read `mlinfra:catalog-pii`, and is recorded.
        """
        return self.bench.catalog.diff(
            name,
            before,
            after,
            key=words(key),
            examples=examples,
            reveal=viewer_of(self, reveal),
        )


class DatasetRestore(Handler):
    @write(slow=True)
    def post(self, name: str, *, snapshot: Name) -> Restored:
        """Give the dataset the rows and columns of an earlier snapshot: a new one, which can be
        undone.
        """
        return self.bench.catalog.restore(name, snapshot)


class DatasetRefs(Handler):
    @write
    def post(
        self,
        name: str,
        *,
        snapshot: Name,
        add: Names = (),
        remove: Names = (),
        branch: bool = False,
    ) -> DatasetDetail:
        """Tags of a snapshot: add some, or branches, and remove others."""
        catalog = self.bench.catalog
        catalog.tag(f"{name}@{snapshot}", add=add, remove=remove, branch=branch)
        return catalog.show(name)


class DatasetExpiry(Handler):
    @read(slow=True)
    def get(self, name: str, *, older_than: Name = "30d", keep: Keep = 10) -> ExpiryPlan:
        """Which snapshots would expire, what is lost with them, and why others stay."""
        return self.bench.catalog.expire(name, older_than=parse.duration(older_than), keep=keep)


class DatasetExpire(Handler):
    @write(slow=elsewhere)
    def post(self, name: str, *, older_than: Name = "30d", keep: Keep = 10) -> Job:
        """Let old snapshots go, with the files that no other needs: a job."""
        from ... import DatasetName

        parse.duration(older_than)
        dataset = DatasetName.parse(name).text
        if may_be_of(dataset):
            self.bench.catalog.own(dataset)
        return self.as_job(
            "catalog expire",
            dataset,
            of=dataset,
            keep=keep,
            yes=True,
            **{"older-than": older_than},
        )


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/snapshots": DatasetSnapshots,
    "catalog/datasets/{name}/diff": DatasetDiff,
    "catalog/datasets/{name}/restore": DatasetRestore,
    "catalog/datasets/{name}/refs": DatasetRefs,
    "catalog/datasets/{name}/expiry": DatasetExpiry,
    "catalog/datasets/{name}/expire": DatasetExpire,
}
