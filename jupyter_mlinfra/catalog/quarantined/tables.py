"""The files of quarantine as tables: one for each dataset, of the rows that did not fit."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import NotFound
from ...core.records import from_seconds
from ...core.refs import reference
from ...core.search import Document
from ...core.tables import TableFacts
from ..personal import personal
from ..quarantine import MASKED
from . import NAMESPACE, table_name

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project

COLUMNS = (
    *(
        "dataset",
        "file",
        "line",
        "column",
        "reason",
        "text",
        "cut",
        "header",
        "key",
        "ingest",
        "at",
    ),
)
"""dataset: where the row was meant to go. file, line: where it begins. column: the first whose
value does not fit; empty if the row could not be split. text: the row as it stands in the file, or
as JSON. cut: whether that is only its beginning.
header: the line with the names, where the text is a line of such a file. key: of the
upsert by which the row was to come in, as JSON; empty if it was to be added. ingest: the name of
the ingest. at: when it was.
"""

_VALUES = frozenset({"reason", "text"})
"""Of them, those with values of the row."""

_CUT_BEFORE = 10_000
"""Signs at which earlier versions cut a text, without saying so."""


class QuarantineTables:
    """The tables of quarantine in one project (see `core.tables`); an object is for one answer."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = project.home / "quarantine"

    @cached_property
    def _files(self) -> Mapping[str, list[Path]]:
        """The files of each table, oldest first."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self._folder.glob("*/*.parquet")):
            if path.parent.name != "files":  # damaged data files
                found.setdefault(table_name(path.parent.name), []).append(path)
        return found

    def names(self) -> list[str]:
        """Those that have rows."""
        return sorted(self._files)

    def has(self, table: str) -> bool:
        """Whether rows of such a dataset ever did not fit, and still are here."""
        return table in self._files

    def needs(self, table: str) -> Sequence[str]:  # noqa: ARG002
        """None: who may read datasets may read these."""
        return ()

    def masked(self, table: str, columns: Sequence[str]) -> Collection[str]:
        """What repeats values, if one of the datasets has a column that is tagged `pii`, had one
        when the rows came, or is gone.
        """
        files = self._files.get(table, ())
        known = [personal(self._project, name) for name in {path.parent.name for path in files}]
        held = any(columns is None or columns for columns in known) or any(map(_was_masked, files))
        return [name for name in columns if held and name in _VALUES]

    def datasets(self, table: str) -> Sequence[str]:
        """Those whose rows it has."""
        return sorted({path.parent.name for path in self._files.get(table, ())})

    def facts(self, table: str) -> TableFacts:
        """What is known of one by its files. Raises NotFound."""
        files = self._files.get(table)
        if not files:
            raise NotFound(f"{NAMESPACE} has no table {table}.")
        states = [path.stat() for path in files]
        names = self.datasets(table)
        return TableFacts(
            description=f"Rows that did not fit into {' and '.join(names)}",
            columns=len(COLUMNS),
            bytes=sum(state.st_size for state in states),
            updated_at=from_seconds(max(state.st_mtime for state in states)),
        )

    def rows(self, table: str) -> pl.LazyFrame | None:
        """The rows, those of the oldest ingest first; None if there are none."""
        import polars as pl

        files = self._files.get(table)
        return pl.concat(list(map(_rows, files))) if files else None

    def search_fingerprint(self) -> str:
        """Changes when a table comes or goes."""
        return " ".join(self.names())

    def search_documents(self) -> Iterable[Document]:
        """Every table; the rows themselves are not searched."""
        for name in self.names():
            yield Document(
                ref=reference("dataset", f"{NAMESPACE}.{name}"),
                kind="dataset",
                name=f"{NAMESPACE}.{name}",
                text=" ".join(COLUMNS),
                detail=self.facts(name).description,
            )


def _rows(path: Path) -> pl.LazyFrame:
    """The rows of one ingest; files of earlier versions lack some columns."""
    import polars as pl

    rows = pl.scan_parquet(path)
    there = rows.collect_schema()
    at = pl.lit(from_seconds(path.stat().st_mtime), pl.Datetime("us", "UTC"))
    cut = pl.col("text").str.len_chars() >= _CUT_BEFORE
    empty = pl.lit("")
    absent = {"column": empty, "header": empty, "key": empty, "at": at, "cut": cut}
    return rows.with_columns(
        dataset=pl.lit(path.parent.name),
        ingest=pl.lit(path.stem),
        **{name: value for name, value in absent.items() if name not in there},
    ).select(COLUMNS)


def _was_masked(path: Path) -> bool:
    """Whether the rows of one ingest have values that were masked then."""
    import polars as pl

    return MASKED in pl.read_parquet_metadata(path)


def key_of(path: Path) -> tuple[str, ...]:
    """The key by which the rows of one ingest were to come in; empty if they were to be added."""
    key = _rows(path).select("key").head(1).collect().item()
    return tuple(json.loads(key)) if key else ()
