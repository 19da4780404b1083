"""The process that runs queries for the Jupyter server, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.child import serve

if TYPE_CHECKING:
    from ...core.project import Project
    from ..service import Catalog


class _Projects:
    """The project that was asked for last, opened again when its settings have changed."""

    def __init__(self) -> None:
        self._opened: tuple[tuple[str, int], Project, Catalog] | None = None

    def opened(self, root: str) -> tuple[Project, Catalog]:
        from ...core.project import Project
        from ...core.settings import FILE
        from ..service import Catalog

        key = root, (Path(root) / FILE).stat().st_mtime_ns
        if self._opened is None or self._opened[0] != key:
            project = Project(Path(root))
            self._opened = key, project, Catalog(project)
        return self._opened[1:]


_projects = _Projects()


def _do(request: Mapping[str, Any]) -> Any:
    project, catalog = _projects.opened(request["root"])
    if request["verb"] == "answer":
        return _answer(catalog, request)
    return _check(project, request)


def _answer(catalog: Catalog, request: Mapping[str, Any]) -> Any:
    from ...core.records import to_json
    from ...core.viewer import Viewer

    reveal = request["reveal"]
    return to_json(
        catalog.answer(
            request["query"],
            parameters=request["parameters"],
            limit=request["limit"],
            reveal=Viewer(**reveal) if isinstance(reveal, dict) else reveal,
            domains=request["domains"],
        )
    )


def _check(project: Project, request: Mapping[str, Any]) -> None:
    from ..names import DatasetName
    from ..quality.selecting import Selecting
    from ..quality.statements import Must, Select
    from ..registrations import Registrations
    from ..store import CatalogStore
    from ..tables.finding import Finder

    rule = request["check"]
    must = rule["must"] and Must(rule["must"]["operator"], tuple(rule["must"]["bounds"]))
    tables = Finder(project, CatalogStore(project), Registrations(project))
    Selecting(project, tables).check(
        DatasetName.parse(request["dataset"]), Select(rule["query"], must)
    )


def _warm_up() -> None:
    """Load now what every query needs."""
    import polars as pl
    import pyiceberg.catalog.sql
    import pyiceberg.io.pyarrow  # noqa: F401

    from ...core.domains import domains
    from .. import service  # noqa: F401
    from ..querying.answers import framed
    from ..querying.engine import Limits, answer, engine, register
    from ..querying.running import run  # noqa: F401

    domains()

    with engine(Limits(memory_mib=64, seconds=1)) as connection:
        register(connection, "rows", pl.LazyFrame({"x": [1]}), large=False)
        framed(*answer(connection, "SELECT count(*) FROM rows", {}, 1, 64))


if __name__ == "__main__":
    _warm_up()
    serve(_do, *map(int, sys.argv[1:]))
