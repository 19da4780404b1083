"""Rules and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Cursor, Len, Limit, Name, Text, Whole
from ....faces.reveal import viewer_if_allowed
from .given import file_in, new_file_in
from .rights import check_readable, read, write

if TYPE_CHECKING:
    from ....core.records import Page
    from ....jobs.spec import Job
    from ...quality.spec import Contract, PastResult, Quality

Words = Annotated[str, Len(1, 10_000), Whole()]


class DatasetQuality(Handler):
    @read(slow=True)
    def get(self, name: str) -> Quality:
        """The rules of a dataset with their newest results, and whether it is late or short."""
        return self.bench.catalog.rules(check_readable(self, name), reveal=viewer_if_allowed(self))


class DatasetResults(Handler):
    @read
    def get(
        self, name: str, *, rule: Words | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[PastResult]:
        """What its rules, or one of them, found earlier, newest first."""
        name = check_readable(self, name)
        return self.bench.catalog.results(
            name, rule=rule, limit=limit, cursor=cursor, reveal=viewer_if_allowed(self)
        )


class DatasetQualityRun(Handler):
    @write(slow=elsewhere)
    def post(self, name: str) -> Job:
        """Run all of its rules over all rows: a job."""
        name = check_readable(self, name)
        self.bench.catalog.show(name)
        return self.as_job("catalog quality", name, of=name)


class DatasetRules(Handler):
    @write(slow=True)
    def post(
        self,
        name: str,
        *,
        add: Words | None = None,
        severity: Literal["block", "warn", "quarantine"] = "block",
        rule: Text = "",
        remove: Words | None = None,
    ) -> Quality:
        """Give it a rule in words, perhaps with a name (`rule`), or take one from it by its name
        (`remove`); with both, one takes the place of the other. One that tells of masked values
        needs the right to read `mlinfra:catalog-pii`, and is recorded.
        """
        name = check_readable(self, name)
        catalog, reveal = self.bench.catalog, viewer_if_allowed(self)
        made = catalog.rule(name, add, severity=severity, as_=rule, reveal=reveal) if add else None
        if remove and (made is None or made.rule != remove):
            catalog.remove_rule(name, remove)
        return catalog.rules(name, reveal=reveal)


class DatasetContractExport(Handler):
    @write(slow=True)
    def post(self, name: str, *, file: Name) -> Contract:
        """Write its columns and rules as a data contract (ODCS 3.1) to a new file of the
        project.
        """
        name = check_readable(self, name)
        return self.bench.catalog.export_contract(name, new_file_in(self.bench.project, file))


class DatasetContractImport(Handler):
    @write(slow=True)
    def post(self, name: str, *, file: Name) -> Contract:
        """Give it the rules of a data contract (ODCS 3), a file of the project."""
        name = check_readable(self, name)
        return self.bench.catalog.import_contract(
            name, file_in(self.bench.project, file), reveal=viewer_if_allowed(self)
        )


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/quality": DatasetQuality,
    "catalog/datasets/{name}/quality/results": DatasetResults,
    "catalog/datasets/{name}/quality/run": DatasetQualityRun,
    "catalog/datasets/{name}/rules": DatasetRules,
    "catalog/datasets/{name}/contract/export": DatasetContractExport,
    "catalog/datasets/{name}/contract/import": DatasetContractImport,
}
