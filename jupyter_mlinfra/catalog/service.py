"""The verbs of the catalog: the only module that interfaces call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .verbs.access import AccessVerbs
from .verbs.care import CareVerbs
from .verbs.contracts import ContractVerbs
from .verbs.grid import GridVerbs
from .verbs.ingest import IngestVerbs
from .verbs.labels import LabelVerbs
from .verbs.looking import LookingVerbs
from .verbs.querying import SqlVerbs
from .verbs.reading import ReadingVerbs
from .verbs.registering import RegisteringVerbs
from .verbs.search import SearchVerbs
from .verbs.time import TimeVerbs
from .verbs.tracing import LineageVerbs

if TYPE_CHECKING:
    from .table import Table


class Catalog(
    ReadingVerbs,
    IngestVerbs,
    RegisteringVerbs,
    LabelVerbs,
    LookingVerbs,
    GridVerbs,
    SearchVerbs,
    TimeVerbs,
    ContractVerbs,
    LineageVerbs,
    SqlVerbs,
    CareVerbs,
    AccessVerbs,
):
    """Datasets of one project: Iceberg tables, named `namespace.table`. Safe to share between
    threads.
    """

    def dataset(self, name: str) -> Table:
        """The dataset as an object for notebooks. Raises NotFound if it does not exist."""
        from .table import Table

        return Table(self, self.named(name))
