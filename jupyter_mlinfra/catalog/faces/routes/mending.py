"""Rows that did not fit: into a file where they are mended, and in again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Unpack

from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Len, Name
from ....faces.reveal import viewer_if_allowed
from .given import file_in, new_file_in
from .ingest import ReadingFacts, cli_options, without_none
from .rights import check_readable, write

if TYPE_CHECKING:
    from ....jobs.spec import Job
    from ...spec import ExportedRows


class DatasetMendExport(Handler):
    @write(slow=True)
    def post(self, name: str, *, file: Name) -> ExportedRows:
        """Write the rows that did not fit into a dataset to a new file of the project, to be mended
        there. name: the dataset, or its table in quarantine. Where values are masked, it needs the
        right to read `mlinfra:catalog-pii`, and is recorded.
        """
        from ...spec import ExportedRows

        name = check_readable(self, name)
        rows = self.bench.catalog.export_quarantine(
            name, new_file_in(self.bench.project, file), reveal=viewer_if_allowed(self)
        )
        return ExportedRows(dataset=name, file=file, rows=rows)


class DatasetMend(Handler):
    @write(slow=elsewhere)
    def post(
        self,
        name: str,
        *,
        file: Name,
        key: Annotated[list[Name], Len(0, 100)] | None = None,
        **reading: Unpack[ReadingFacts],
    ) -> Job:
        """Ingest the mended rows of a file that was exported, and take them out of quarantine: a
        job. name: as of the export.
        """
        name = check_readable(self, name)
        path = str(file_in(self.bench.project, file))
        options = cli_options(without_none(reading))
        return self.as_job("catalog mend", name, path, of=name, key=key or (), **options)


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/mend": DatasetMend,
    "catalog/datasets/{name}/mend/export": DatasetMendExport,
}
