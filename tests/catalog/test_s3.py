"""A warehouse on an S3 server of one's own, as documented: an endpoint, keys, no region. Nothing is
asked of anybody else.
"""

from __future__ import annotations

import sys

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project


@pytest.fixture
def lake(project: Project, elsewhere: list[str], s3: str) -> Catalog:
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nwarehouse = "s3://lake/warehouse"\n[catalog.properties]\n{s3}'
    )
    return Catalog(Project.open(project.root))


def test_every_verb_stays_at_the_endpoint(lake: Catalog, elsewhere: list[str], file) -> None:
    report = lake.ingest([file("a.csv", "id,word\n1,a\n2,b\n")], into="sales.orders")
    lake.write(pl.DataFrame({"id": [3], "word": ["c"]}), into="sales.orders")
    assert lake.preview("sales.orders").total == 3
    assert lake.dataset("sales.orders").scan(report.snapshot).collect()["id"].to_list() == [1, 2]
    assert lake.profile("sales.orders", tier="exact").columns["id"].max == 3
    assert lake.verify("sales.orders").checked == 2
    assert lake.sql("SELECT sum(id) AS s FROM sales.orders").item() == 6
    assert elsewhere == []


@pytest.mark.parametrize(
    ("uri", "package"),
    [
        ("sql+postgresql+psycopg://u:canary@127.0.0.1/c", "psycopg"),
        ("sql+postgresql://u:canary@127.0.0.1/c", "psycopg"),
    ],
)
def test_a_missing_driver_names_our_extra(
    project: Project, monkeypatch: pytest.MonkeyPatch, uri: str, package: str
) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nuri = "{uri}"\nwarehouse = "{project.root}/w"\n'
    )
    with pytest.raises(
        Unavailable, match=rf"{package} is not installed.*pip install 'jupyter-mlinfra\[postgres\]'"
    ) as error:
        Catalog(Project.open(project.root)).write(pl.DataFrame({"n": [1]}), into="t.a")
    assert "canary" not in str(error.value)
    assert "network" not in str(error.value)


def test_a_driver_that_does_not_exist_is_a_fault_of_the_address(project: Project) -> None:
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nuri = "sql+nosuch://h/c"\nwarehouse = "{project.root}/w"\n'
    )
    with pytest.raises(Unavailable, match=r"nosuch.*Correct \[catalog\] uri"):
        Catalog(Project.open(project.root)).write(pl.DataFrame({"n": [1]}), into="t.a")
