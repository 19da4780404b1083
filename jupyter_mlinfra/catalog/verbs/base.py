"""What every verb works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..access.revealing import Revealing
from ..care.uses import Uses
from ..grid.kept import KeptFiles, KeptInMemory
from ..ingesting import Ingesting
from ..names import DatasetName
from ..quality.kept import RuleStore
from ..quality.watching import Watching
from ..registrations import Registrations
from ..store import CatalogStore
from ..tables.finding import Finder
from ..tables.iceberg import IcebergTable
from ..writing import Writer

if TYPE_CHECKING:
    from ...core.children import Children
    from ...core.project import Project
    from ..tables import ReadTable


class Verbs:
    """The parts of one project's catalog; a base of `Catalog`. children: processes for the SQL of
    users; None: it runs in this one.
    """

    def __init__(self, project: Project, children: Children | None = None) -> None:
        self._project = project
        self._children = children
        self._store = CatalogStore(project)
        self._uses = Uses(project)
        self._registrations = Registrations(project)
        self._tables = Finder(project, self._store, self._registrations)
        self._revealing = Revealing(project)
        self._writer = Writer(project, self._store)
        self._row_numbers = KeptFiles(lambda: project.folder("grid"))
        self._grid_rows = KeptInMemory()
        self._ingesting = Ingesting(project, self._store, self._writer)
        self._rules = RuleStore(project)
        self._watching = Watching(self._rules)

    def own(self, text: str) -> DatasetName:
        """A name without a snapshot, for verbs that only datasets have. Raises Conflict if it is a
        table of another domain.
        """
        name = whole(text)
        name.check()
        self._tables.find(name).check_own()
        return name

    def named(self, text: str) -> DatasetName:
        """The name of a table to be read; a tag, branch or time in it becomes its snapshot. Raises
        NotFound for one that the table does not have.
        """
        name = DatasetName.parse(text)
        return self._tables.settled(name)

    def _found(self, name: DatasetName) -> ReadTable:
        """The table; that it is read counts for the advice on its tier."""
        table = self._tables.find(name)
        if isinstance(table, IcebergTable):
            self._uses.note(name.text)
        return table


def whole(text: str) -> DatasetName:
    """A name without a snapshot, for verbs that change a dataset or concern all its snapshots."""
    name = DatasetName.parse(text)
    if name.has_state:
        raise BadRequest(
            f"{text} names one snapshot.",
            "This verb is about the whole dataset.",
            f"Write {name.text}.",
        )
    return name
