"""What the tests of the catalog share: a catalog, files to put into it, and the rows of a dataset
as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lakes
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project


@pytest.fixture
def catalog(project: Project) -> Catalog:
    return Catalog(project)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file and gives its path: `file("a.csv", "id\\n1\\n")`."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def rows(catalog: Catalog) -> Callable[..., list[dict[str, Any]]]:
    """Every row of a dataset, sorted, read by a notebook's way in."""

    def read(name: str) -> list[dict[str, Any]]:
        return sorted(catalog.dataset(name).scan().collect().to_dicts(), key=repr)

    return read


@pytest.fixture
def stored(project: Project) -> Callable[[], set[str]]:
    """The files of the warehouse: what a failed write must not have left."""

    def listed() -> set[str]:
        return {
            str(path.relative_to(project.home))
            for path in project.home.glob("warehouse/**/*")
            if path.is_file()
        }

    return listed


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """`meanwhile(work)` does `work` between the data files of the next commit and the commit
    itself.
    """
    from pyiceberg.catalog.sql import SqlCatalog

    real = SqlCatalog.commit_table

    def once(work: Callable[[], object]) -> None:
        def commit(self: SqlCatalog, *arguments: Any) -> Any:
            monkeypatch.setattr(SqlCatalog, "commit_table", real)
            work()
            return real(self, *arguments)

        monkeypatch.setattr(SqlCatalog, "commit_table", commit)

    return once


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of other machines."""
    with lakes.requests_elsewhere(monkeypatch) as requests:
        yield requests


@pytest.fixture
def s3(elsewhere: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 server with a bucket `lake`, as lines for `[catalog.properties]`: an endpoint, a secret
    by reference, no region. What is asked of anybody else is in `elsewhere`.
    """
    monkeypatch.setenv("S3_SECRET", lakes.SECRET)
    with lakes.s3("lake") as endpoint:
        keys = {
            "endpoint": endpoint,
            "access-key-id": lakes.KEY,
            "secret-access-key": "env:S3_SECRET",
        }
        yield "".join(f'"s3.{name}" = "{value}"\n' for name, value in keys.items())
