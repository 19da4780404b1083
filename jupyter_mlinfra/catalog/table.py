"""The dataset object of notebooks: reads rows on demand and shows itself as a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ..core.display import number
from ..core.errors import BadRequest
from ..core.refs import reference
from .names import DatasetName
from .object.quality import Rules
from .object.time import EarlierStates
from .spec import DatasetDetail, IngestReport, Profile, RowBlock, Verification

if TYPE_CHECKING:
    import polars as pl

    from .change import WriteMode
    from .grid.explorer import Explorer
    from .reading import ReadingOptions
    from .service import Catalog

_ROWS_SHOWN = 5
_COLUMNS_SHOWN = 12


class Table(EarlierStates, Rules):
    """One dataset at the snapshot that was the newest when it was opened, or at a given one.

    `scan()` reads that snapshot, so a notebook sees one state of the data however long it runs. It
    also reads what it wrote itself.
    """

    def __init__(self, catalog: Catalog, name: DatasetName) -> None:
        self._catalog = catalog
        self._name = name
        self._detail: DatasetDetail = catalog.show(_at(name))

    @property
    def name(self) -> str:
        """`namespace.table`."""
        return self._name.text

    @property
    def ref(self) -> str:
        """`dataset:namespace.table@snapshot`."""
        return f"{self._name.ref}@{self.snapshot}" if self.snapshot else self._name.ref

    @property
    def snapshot(self) -> str | None:
        """What `scan()` reads: the snapshot, as `ID.COLUMNS` if its columns have changed since;
        None if nothing was ever written.
        """
        return self._detail.dataset.snapshot

    @property
    def detail(self) -> DatasetDetail:
        """Owner, tags, columns, size."""
        return self._detail

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Polars types by column."""
        return dict(self.scan().collect_schema())

    def verify(self) -> Verification:
        """Read every data file and compare it with the checksum of what was written."""
        return self._catalog.verify(self._pinned_name())

    def scan(self, snapshot: str | int | None = None) -> pl.LazyFrame:
        """The rows, lazily; nothing is read before `collect()`.

        snapshot: another one of the same table, by its number, a tag, a branch or a time such as
        `2026-05-01T12:00Z`. Raises NotFound if the table does not have it.
        """
        requested = snapshot if snapshot is not None else self.snapshot
        return self._catalog.scan(self._name if requested is None else self._name.at(requested))

    def head(self, count: int = 10) -> pl.DataFrame:
        """The first rows."""
        return self.scan().head(count).collect()

    def profile(
        self,
        tier: Literal["footer", "sample", "exact"] = "sample",
        *,
        reveal: bool = False,
    ) -> Profile:
        """Statistics of every column, each with its basis. reveal: see `preview`."""
        return self._catalog.profile(self._pinned_name(), tier=tier, reveal=reveal)

    def preview(self, *, start: int = 0, count: int = 100, reveal: bool = False) -> RowBlock:
        """Part of the rows, JSON-safe. reveal: values of columns tagged `pii` too, which is
        recorded.
        """
        return self._catalog.preview(self._pinned_name(), start=start, count=count, reveal=reveal)

    def explore(self) -> Explorer:
        """A widget that shows all rows of this snapshot, to filter, sort and group by hand. Only
        those in sight are read.
        """
        return self._catalog.explore(_at(self._name), snapshot=self.snapshot)

    def ingest(
        self,
        files: str | Path | Sequence[str | Path],
        *,
        mode: WriteMode = "append",
        key: str | Sequence[str] = (),
        again: bool = False,
        cursor: str = "",
        **reading: Unpack[ReadingOptions],
    ) -> IngestReport:
        """Read files, or a table of a database, into the dataset, in one commit or not at all;
        afterwards `scan()` reads their rows too. See `Catalog.ingest`.
        """
        paths = [files] if isinstance(files, str | Path) else files
        report = self._catalog.ingest(
            paths,
            into=self._writable_name(),
            mode=mode,
            key=key,
            again=again,
            cursor=cursor,
            **reading,
        )
        self._refresh()
        return report

    def write(
        self,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        mode: WriteMode = "append",
        key: str | Sequence[str] = (),
        inputs: Sequence[str] = (),
    ) -> IngestReport:
        """Write a frame into the dataset in one commit; afterwards `scan()` reads its rows too.
        key: columns of an upsert. inputs: references of what it was made from.
        """
        report = self._catalog.write(
            frame, into=self._writable_name(), mode=mode, key=key, inputs=inputs
        )
        self._refresh()
        return report

    def tag(
        self,
        *tags: str,
        column: str | None = None,
        snapshot: str | int | None = None,
        branch: bool = False,
        remove: Sequence[str] = (),
    ) -> None:
        """Put tags on it or on one of its columns, such as `pii` on one with personal data, and
        remove others. snapshot: name that snapshot so, by a number, tag or time; or make branches
        of it. `scan`, `diff` and all others then read it by that name.
        """
        target = self._target(column) if snapshot is None else f"{self.name}@{snapshot}"
        self._catalog.tag(target, add=tags, remove=remove, branch=branch)
        self._refresh()

    def describe(
        self,
        *,
        owner: str | None = None,
        description: str | None = None,
        column: str | None = None,
    ) -> None:
        """Set its owner and description, or the description of a column; None keeps the present
        one.
        """
        self._catalog.describe(self._target(column), owner=owner, description=description)
        self._refresh()

    def _target(self, column: str | None) -> str:
        return self.name if column is None else reference("column", self.name, column)

    def __repr__(self) -> str:
        return (
            f"<dataset {self.name}, {number(self._detail.dataset.rows)} rows, snapshot"
            f" {self.snapshot}>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from ..core.display import mimebundle, size

        dataset = self._detail.dataset
        block = self.preview(count=_ROWS_SHOWN)
        names = [column.name for column in block.columns[:_COLUMNS_SHOWN]]
        rows = [
            dict(zip(names, values, strict=False))
            for values in zip(*block.data[:_COLUMNS_SHOWN], strict=True)
        ]
        facts = {
            "rows": dataset.rows,
            "columns": dataset.columns,
            "size": size(dataset.bytes),
            "snapshot": dataset.snapshot,
            "owner": dataset.owner,
        }
        if dataset.tags:
            facts["tags"] = ", ".join(dataset.tags)
        return mimebundle(self.ref, self.name, self._detail, facts=facts, rows=rows)

    def _pinned_name(self) -> str:
        return f"{self._name.asked}@{self.snapshot}" if self.snapshot else self._name.asked

    def _writable_name(self) -> str:
        if self._name.snapshot is not None:
            raise BadRequest(
                f"{self.ref} is an earlier state.",
                "Only the newest one can be written to.",
                f'Open it with ml.dataset("{self.name}").',
            )
        return self.name

    def _refresh(self) -> None:
        if self._name.snapshot is None:
            self._detail = self._catalog.show(self._name.asked)
            self.__dict__.pop("schema", None)


def _at(name: DatasetName) -> str:
    snapshot = ".".join(
        str(number) for number in (name.snapshot, name.columns) if number is not None
    )
    return f"{name.asked}@{snapshot}" if snapshot else name.asked
