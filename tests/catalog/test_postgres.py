"""A catalog in a real PostgreSQL, with its data on disk or on an S3 server: every verb, and commits
whose answer is lost. Nothing is asked of anybody else.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from servers import Server, postgres

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.fate import FateUnknown
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with postgres() as server:
        yield server


class Proxy:
    """Between a client and PostgreSQL. loses: the `request` or the `answer` of the next COMMIT, and
    closes both connections then.
    """

    def __init__(self, server: Server) -> None:
        self.loses: str | None = None
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server.port))
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self.loses == "request" and b"COMMIT" in data:
                    self.loses = None
                    break
                if self.loses == "answer" and b"COMMIT" in data:
                    self.loses = "this answer"
                server.sendall(data)
        self._end(client, server)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if self.loses == "this answer":
                    self.loses = None
                    break
                client.sendall(data)
        self._end(client, server)

    def _end(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def proxy(database: Server) -> Iterator[Proxy]:
    between = Proxy(database)
    yield between
    between.close()


def _project(project: Project, port: int, warehouse: str, name: str, more: str = "") -> Project:
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nuri = "env:LAKE_URI"\nwarehouse = "{warehouse}"\n[catalog.properties]\n'
        f'name = "{name}"\n{more}'
    )
    return Project.open(project.root)


@pytest.fixture
def lake(
    project: Project, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Catalog:
    """A dataset of one row in PostgreSQL, reached through the proxy; data files on disk."""
    uri = f"sql+postgresql+psycopg://postgres:secret@127.0.0.1:{proxy.port}/postgres"
    monkeypatch.setenv("LAKE_URI", uri)
    monkeypatch.setattr("jupyter_mlinfra.catalog.fate._CHECK_SECONDS", 1.0)
    catalog = Catalog(_project(project, proxy.port, f"{tmp_path}/lake", tmp_path.name))
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    return catalog


def numbers(catalog: Catalog, name: str = "t.a") -> list[int]:
    return sorted(catalog.dataset(name).scan().collect()["n"].to_list())


def data_files(folder: Path) -> int:
    return len(list(folder.glob("lake/**/*.parquet")))


@pytest.mark.parametrize(
    ("mode", "into"), [("append", "t.a"), ("upsert", "t.a"), ("append", "t.b")]
)
def test_a_commit_whose_answer_is_lost_is_found(
    lake: Catalog, proxy: Proxy, tmp_path: Path, mode: Any, into: str
) -> None:
    proxy.loses = "answer"
    key = ["n"] if mode == "upsert" else ()
    report = lake.write(pl.DataFrame({"n": [2]}), into=into, mode=mode, key=key)
    assert proxy.loses is None
    assert numbers(lake, into) == ([1, 2] if into == "t.a" else [2])
    assert lake.snapshots(into).items[0].id == report.snapshot
    assert data_files(tmp_path) == 2


def test_a_commit_that_never_arrived_keeps_its_files_until_that_is_certain(
    lake: Catalog, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.loses = "request"
    with pytest.raises(FateUnknown, match=r"It is not known yet whether t\.a was written"):
        lake.write(pl.DataFrame({"n": [2]}), into="t.a", once="two")
    assert numbers(lake) == [1]
    assert data_files(tmp_path) == 2
    assert lake.write(pl.DataFrame({"n": [2]}), into="t.a", once="two").rows_written == 1
    lake.write(pl.DataFrame({"n": [3]}), into="t.a")
    assert numbers(lake) == [1, 2, 3]
    assert data_files(tmp_path) == 3


def test_every_verb_works_with_data_on_s3_and_asks_nobody_else(
    project: Project,
    database: Server,
    s3: str,
    elsewhere: list[str],
    file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = f"sql+postgresql+psycopg://postgres:secret@{database.address}/postgres"
    monkeypatch.setenv("LAKE_URI", uri)
    catalog = Catalog(_project(project, database.port, "s3://lake/warehouse", "team", s3))
    first = catalog.ingest([file("a.csv", "id,word\n1,a\n2,b\nbroken\n")], into="sales.orders")
    assert (first.rows_written, first.quarantined) == (2, 1)
    second = catalog.write(
        pl.DataFrame({"id": [3], "word": ["c"], "new": [1.5]}), into="sales.orders"
    )
    changed = pl.DataFrame({"id": [3, 4], "word": ["c", "d"], "new": [2.5, None]})
    third = catalog.write(changed, into="sales.orders", mode="upsert", key=["id"])
    assert (third.rows_written, third.rows_updated) == (2, 1)
    catalog.write(pl.DataFrame({"n": [1]}), into="sales.other", mode="replace")
    catalog.write(pl.DataFrame({"m": ["x"]}), into="sales.other", mode="replace")
    assert [item.name for item in catalog.list().items] == [
        "sales.orders",
        "sales.other",
        "quarantine.sales__orders",
    ]
    assert [item.name for item in catalog.namespaces().items] == ["quarantine", "sales"]
    assert catalog.preview("sales.orders").total == 4
    assert catalog.dataset("sales.other").scan().collect().to_dicts() == [{"m": "x"}]
    assert [item.id for item in catalog.snapshots("sales.orders").items] == [
        report.snapshot for report in (third, second, first)
    ]
    assert catalog.dataset("sales.orders").scan(first.snapshot).collect()["id"].to_list() == [1, 2]
    assert sorted(
        catalog.appended("sales.orders@" + second.snapshot, first.snapshot).collect()["id"]
    ) == [3]
    assert catalog.verify("sales.orders").damaged == []
    assert catalog.tag("sales.orders", add=["gold"]).tags == ["gold"]
    assert catalog.describe("sales.orders", owner="ana").owner == "ana"
    assert {hit.kind for hit in catalog.search("word").items} == {"dataset", "column"}
    assert catalog.sql("SELECT sum(id) AS s FROM sales.orders").item() == 10
    for tier in ("footer", "sample", "exact"):
        assert catalog.profile("sales.orders", tier=tier)  # type: ignore[arg-type]
    assert catalog.fingerprint("sales.orders") == third.snapshot
    catalog.delete("sales.other")
    assert [item.name for item in catalog.list(namespace="sales").items] == ["sales.orders"]
    assert not (project.home / "catalog.db").exists()
    assert elsewhere == []


def test_a_server_that_is_gone_is_named_without_its_password(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres() as server:
        uri = f"sql+postgresql+psycopg://postgres:secret@{server.address}/postgres"
        monkeypatch.setenv("LAKE_URI", uri)
        catalog = Catalog(_project(project, server.port, f"{tmp_path}/lake", "team"))
        catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    verbs: list[Callable[[], object]] = [
        catalog.list,
        lambda: catalog.show("t.a"),
        lambda: catalog.write(pl.DataFrame({"n": [2]}), into="t.a"),
    ]
    for verb in verbs:
        with pytest.raises(Unavailable) as caught:
            verb()
        assert "secret" not in str(caught.value)
        assert caught.value.fix


def test_a_wait_for_locked_tables_ends_and_changes_nothing(
    lake: Catalog, database: Server, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr("jupyter_mlinfra.catalog.stores.patience.SECONDS", 1)
    address = f"postgresql://postgres:secret@127.0.0.1:{database.port}/postgres"
    before = Catalog(Project.open(project.root))
    assert before.list().total
    with psycopg.connect(address) as other:
        other.execute("LOCK TABLE iceberg_tables IN ACCESS EXCLUSIVE MODE")
        for ask in (
            lambda: before.list(),
            lambda: before.write(pl.DataFrame({"n": [2]}), into="t.a"),
            lambda: Catalog(Project.open(project.root)).list(),
        ):
            with pytest.raises(Unavailable, match=r"Another client of PostgreSQL.*pg_stat_activ"):
                ask()
        other.rollback()
    assert numbers(before) == [1]
