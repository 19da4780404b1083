"""The same verbs on a team's catalogs: Iceberg REST over HTTP with a secret token, and a SQL
catalog that others made.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import polars as pl
import pytest
import requests
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest
from pyiceberg.types import LongType, NestedField, StringType
from urllib3.exceptions import MaxRetryError, NewConnectionError

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.drivers import with_region
from jupyter_mlinfra.core.errors import (
    BadRequest,
    MLInfraError,
    NotFound,
    Unavailable,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project

TOKEN = "canary-4f1c"
STATUS = {
    NoSuchTableError: 404,
    NoSuchNamespaceError: 404,
    CommitFailedException: 409,
    TableAlreadyExistsError: 409,
    NamespaceAlreadyExistsError: 409,
}


class RestServer(BaseHTTPRequestHandler):
    """As much of the Iceberg REST protocol as the verbs need, over a SQL catalog. Source: the
    OpenAPI file of apache/iceberg.
    """

    catalog: SqlCatalog
    refused = 0

    def answer(self) -> None:
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                type(self).refused += 1
                self.send(
                    401,
                    {
                        "error": {
                            "message": f"no such token {self.headers.get('Authorization')}",
                            "type": "NotAuthorizedException",
                            "code": 401,
                        }
                    },
                )
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            self.send(
                200,
                self.route(
                    self.command,
                    unquote(urlsplit(self.path).path).removeprefix("/v1/").split("/"),
                    body,
                ),
            )
        except tuple(STATUS) as error:
            self.send(
                STATUS[type(error)],
                {
                    "error": {
                        "message": str(error),
                        "type": type(error).__name__,
                        "code": STATUS[type(error)],
                    }
                },
            )

    do_GET = do_POST = do_HEAD = answer  # noqa: N815 (the names that http.server calls)

    def route(self, verb: str, parts: list[str], body: bytes) -> dict[str, object]:
        catalog = self.catalog
        # What the protocol puts between the levels of a namespace.
        parts = [part.replace("\x1f", ".") for part in parts]
        match verb, parts:
            case "GET", ["config"]:
                return {"defaults": {}, "overrides": {}}
            case "GET", ["namespaces"]:
                return {"namespaces": catalog.list_namespaces()}
            case "POST", ["namespaces"]:
                catalog.create_namespace(tuple(json.loads(body)["namespace"]))
                return json.loads(body)
            case _, ["namespaces", space]:
                return {
                    "namespace": [space],
                    "properties": catalog.load_namespace_properties(space),
                }
            case "GET", ["namespaces", space, "tables"]:
                return {
                    "identifiers": [
                        {"namespace": list(found[:-1]), "name": found[-1]}
                        for found in catalog.list_tables(space)
                    ]
                }
            case "POST", ["namespaces", space, "tables"]:
                asked = json.loads(body)
                staged = catalog._create_staged_table(
                    (space, asked["name"]),
                    Schema.model_validate(asked["schema"]),
                    properties=asked["properties"],
                )
                return {"metadata": json.loads(staged.metadata.model_dump_json())}
            case "POST", ["namespaces", space, "tables", table]:
                commit = CommitTableRequest.model_validate_json(body)
                done = catalog.commit_table(
                    SimpleNamespace(name=lambda: (space, table)),
                    commit.requirements,
                    commit.updates,
                )
                return json.loads(done.model_dump_json(by_alias=True))
            case _, ["namespaces", space, "tables", table]:
                found = catalog.load_table((space, table))
                return {
                    "metadata-location": found.metadata_location,
                    "metadata": json.loads(found.metadata.model_dump_json()),
                }
        raise AssertionError(f"the test's server does not know {verb} {parts}")

    def send(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def rest(tmp_path):
    handler = type(
        "Handler",
        (RestServer,),
        {
            "catalog": SqlCatalog(
                "behind", uri=f"sqlite:///{tmp_path}/behind.db", warehouse=str(tmp_path / "lake")
            )
        },
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(
        uri=f"http://127.0.0.1:{server.server_port}", handler=handler, server=server
    )
    server.shutdown()
    server.server_close()


def _project(project, text):
    (project.root / "mlinfra.toml").write_text(text)
    return Project.open(project.root)


@pytest.fixture(params=["rest", "sql"])
def elsewhere(request, project, rest, tmp_path, monkeypatch):
    """A catalog that is not the embedded one."""
    monkeypatch.setenv("LAKE_TOKEN", TOKEN)
    if request.param == "rest":
        return Catalog(
            _project(
                project,
                f'[catalog]\nuri = "{rest.uri}"\nproperties = {{ token = "env:LAKE_TOKEN" }}\n',
            )
        )
    monkeypatch.setenv("LAKE_URI", f"sql+sqlite:///{tmp_path}/shared.db")
    return Catalog(
        _project(
            project,
            f'[catalog]\nuri = "env:LAKE_URI"\nwarehouse = "{tmp_path}/shared"\nproperties = {{'
            ' name = "team" }\n',
        )
    )


def test_every_verb_works(elsewhere, project, file):
    catalog = elsewhere
    first = catalog.ingest([file("a.csv", "id,word\n1,a\n2,b\nbroken\n")], into="sales.orders")
    assert (first.rows_written, first.quarantined) == (2, 1)
    second = catalog.write(
        pl.DataFrame({"id": [3], "word": ["c"], "new": [1.5]}), into="sales.orders"
    )
    catalog.write(pl.DataFrame({"n": [1]}), into="sales.other", mode="replace")
    catalog.write(pl.DataFrame({"m": ["x"]}), into="sales.other", mode="replace")
    assert [item.name for item in catalog.list().items] == [
        "sales.orders",
        "sales.other",
        "quarantine.sales__orders",
    ]
    assert [(item.name, item.datasets) for item in catalog.namespaces().items] == [
        ("quarantine", 1),
        ("sales", 2),
    ]
    assert catalog.preview("sales.orders").total == 3
    assert catalog.dataset("sales.other").scan().collect().to_dicts() == [{"m": "x"}]
    assert [item.id for item in catalog.snapshots("sales.orders").items] == [
        second.snapshot,
        first.snapshot,
    ]
    assert catalog.dataset("sales.orders").scan(first.snapshot).collect()["id"].to_list() == [1, 2]
    assert catalog.profile("sales.orders", tier="footer").columns["id"].max == 3
    assert catalog.search("sales").total == 2
    assert catalog.tag("sales.orders", add=["gold"]).tags == ["gold"]
    assert catalog.search("", tag=["gold"]).total == 4
    assert {hit.kind for hit in catalog.search("word").items} == {"dataset", "column"}
    assert catalog.sql("SELECT sum(id) AS s FROM sales.orders").item() == 6
    assert catalog.fingerprint("sales.orders") == second.snapshot
    assert catalog.fingerprint("sales.none") is None
    with pytest.raises(NotFound, match=r"sales\.order"):
        catalog.show("sales.order")
    assert not (project.home / "catalog.db").exists()


def test_earlier_states_are_compared_named_restored_and_let_go(elsewhere):
    first = elsewhere.write(pl.DataFrame({"n": [1]}), into="t.a").snapshot
    for number in (2, 3):
        elsewhere.write(pl.DataFrame({"n": [number]}), into="t.a", mode="replace")
    assert elsewhere.tag(f"t.a@{first}", add=["gold"]).refs == {"gold": first}
    found = elsewhere.diff("t.a", "gold", key="n")
    assert (found.added, found.removed, found.changed) == (1, 1, 0)
    elsewhere.restore("t.a", "gold")
    assert _numbers(elsewhere) == [1]
    done = elsewhere.expire("t.a", older_than=timedelta(0), keep=1, preview=False)
    assert (done.expires, done.rows) == (2, 2)
    assert (_numbers(elsewhere), _numbers(elsewhere, "t.a@gold")) == ([1], [1])


def test_a_rest_catalog_takes_a_nested_namespace(project, rest, file, monkeypatch):
    monkeypatch.setenv("LAKE_TOKEN", TOKEN)
    catalog = Catalog(
        _project(
            project, f'[catalog]\nuri = "{rest.uri}"\nproperties = {{ token = "env:LAKE_TOKEN" }}\n'
        )
    )
    catalog.write(pl.DataFrame({"n": [1]}), into="a.b.c")
    catalog.ingest([file("a.csv", "n\n2\n")], into="a.b.c")
    assert sorted(catalog.dataset("a.b.c").scan().collect()["n"]) == [1, 2]


@pytest.mark.parametrize("shared", [False, True], ids=["embedded", "sql"])
def test_a_catalog_of_flat_namespaces_refuses_to_make_a_nested_one_before_a_file_is_looked_at(
    project, tmp_path, shared
):
    uri = f"sqlite:///{tmp_path}/shared.db"
    catalog = Catalog(
        _project(project, f'[catalog]\nuri = "sql+{uri}"\nwarehouse = "{tmp_path}/shared"\n')
        if shared
        else project
    )
    frame = pl.DataFrame({"n": [1]})
    for verb in (
        lambda: catalog.write(frame, into="a.b.c"),
        lambda: catalog.ingest([tmp_path / "no such file.csv"], into="a.b.c"),
    ):
        with pytest.raises(BadRequest, match=r"a\.b\.c cannot be made") as caught:
            verb()
        assert "a_b.c" in caught.value.fix
    assert catalog.list().total == catalog.namespaces().total == 0
    others = SqlCatalog(
        "mlinfra",
        uri=uri if shared else f"sqlite:///{project.home}/catalog.db",
        warehouse=str(tmp_path / "shared"),
    )
    others.create_namespace(("a", "b"))
    others.create_table(("a", "b", "c"), Schema(NestedField(1, "n", LongType(), required=False)))
    catalog.write(frame, into="a.b.c")  # one that others made is written
    assert catalog.dataset("a.b.c").scan().collect()["n"].to_list() == [1]


def test_an_append_that_other_columns_overtook_keeps_its_values(elsewhere, meanwhile):
    elsewhere.write(pl.DataFrame({"id": [1], "x": [1]}), into="t.a")
    meanwhile(
        lambda: elsewhere.write(
            pl.DataFrame({"id": [9], "x": ["nine"]}), into="t.a", mode="replace"
        )
    )
    elsewhere.write(pl.DataFrame({"id": [3], "x": [3]}), into="t.a")
    assert sorted(elsewhere.dataset("t.a").scan().collect().rows()) == [(3, "3"), (9, "nine")]


def test_a_commit_that_fails_leaves_nothing_here_either(elsewhere, file, tmp_path):
    elsewhere.write(pl.DataFrame({"id": [1]}), into="t.a")
    before = set(tmp_path.glob("**/*.parquet"))
    with pytest.raises(Unprocessable):
        elsewhere.ingest([file("a.csv", "id\nx\n")], into="t.a")
    with pytest.raises(Unprocessable):
        elsewhere.ingest([file("a.csv", "")], into="t.new")
    assert [item.name for item in elsewhere.list().items] == ["t.a"]
    assert set(tmp_path.glob("**/*.parquet")) == before


def test_a_wrong_token_is_refused_and_never_repeated_in_an_error(project, rest, monkeypatch):
    monkeypatch.setenv("LAKE_TOKEN", "canary-wrong")
    catalog = Catalog(
        _project(
            project, f'[catalog]\nuri = "{rest.uri}"\nproperties = {{ token = "env:LAKE_TOKEN" }}\n'
        )
    )
    with pytest.raises(Unavailable) as caught:
        catalog.list()
    assert rest.handler.refused
    assert "canary" not in json.dumps(caught.value.to_json())
    assert caught.value.fix


def test_a_secret_that_is_not_set_is_named(project, rest, monkeypatch):
    monkeypatch.delenv("LAKE_TOKEN", raising=False)
    catalog = Catalog(
        _project(
            project, f'[catalog]\nuri = "{rest.uri}"\nproperties = {{ token = "env:LAKE_TOKEN" }}\n'
        )
    )
    with pytest.raises(NotFound, match="LAKE_TOKEN"):
        catalog.list()


def test_a_catalog_that_is_down_is_named(project, rest, monkeypatch):
    monkeypatch.setenv("LAKE_TOKEN", TOKEN)
    catalog = Catalog(
        _project(
            project, f'[catalog]\nuri = "{rest.uri}"\nproperties = {{ token = "env:LAKE_TOKEN" }}\n'
        )
    )
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    rest.server.shutdown()
    rest.server.server_close()
    for verb in (
        catalog.list,
        lambda: catalog.show("t.a"),
        lambda: catalog.preview("t.a"),
        lambda: catalog.write(pl.DataFrame({"n": [1]}), into="t.a"),
    ):
        with pytest.raises(MLInfraError) as caught:
            verb()
        assert (caught.value.code, bool(caught.value.fix)) == ("unavailable", True)


def test_a_proxy_before_a_catalog_of_this_machine_is_named(project, rest, monkeypatch):
    monkeypatch.setenv("LAKE_TOKEN", TOKEN)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    catalog = Catalog(_project(project, f'[catalog]\nuri = "{rest.uri}"\n'))
    with pytest.raises(Unavailable, match="http_proxy is set") as caught:
        catalog.list()
    assert "NO_PROXY=127.0.0.1,localhost" in caught.value.fix


def test_a_partitioned_table_of_others_is_read_and_appended_to(project, tmp_path):
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import IdentityTransform

    others = SqlCatalog(
        "mlinfra", uri=f"sqlite:///{tmp_path}/shared.db", warehouse=str(tmp_path / "shared")
    )
    others.create_namespace("t")
    data = pl.DataFrame({"id": [1, 2], "part": ["a", "b"]}).to_arrow()
    schema = Schema(
        NestedField(1, "id", LongType(), required=False),
        NestedField(2, "part", StringType(), required=False),
    )
    table = others.create_table(
        "t.p",
        schema,
        partition_spec=PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "part")),
    )
    table.append(data)
    catalog = Catalog(
        _project(
            project,
            f'[catalog]\nuri = "sql+sqlite:///{tmp_path}/shared.db"\nwarehouse ='
            f' "{tmp_path}/shared"\n',
        )
    )
    assert sorted(catalog.dataset("t.p").scan().collect().rows()) == [(1, "a"), (2, "b")]
    catalog.write(pl.DataFrame({"id": [3], "part": ["a"]}), into="t.p")
    assert others.load_table("t.p").scan(row_filter="part = 'a'").to_arrow()["id"].to_pylist() == [
        3,
        1,
    ]


def test_a_table_whose_metadata_is_compressed_is_read_and_written(project):
    """As clients write it with `write.metadata.compression-codec` = gzip."""
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"id": [1, 2]}), into="t.packed")
    with closing(sqlite3.connect(project.home / "catalog.db")) as connection, connection:
        (location,) = connection.execute("SELECT metadata_location FROM iceberg_tables").fetchone()
        plain = Path(location.removeprefix("file://"))
        packed = location.replace(".metadata.json", ".gz.metadata.json")
        Path(packed.removeprefix("file://")).write_bytes(gzip.compress(plain.read_bytes()))
        connection.execute("UPDATE iceberg_tables SET metadata_location = ?", (packed,))
    plain.unlink()
    catalog = Catalog(project)
    assert catalog.dataset("t.packed").scan().collect()["id"].to_list() == [1, 2]
    assert catalog.show("t.packed").dataset.rows.value == 2
    assert catalog.profile("t.packed", tier="exact").rows == 2
    assert [item.name for item in catalog.search("packed").items] == ["t.packed"]
    Path(packed.removeprefix("file://")).write_bytes(b"\x1f\x8b torn")
    with pytest.raises(Unprocessable, match=r"gz\.metadata\.json is damaged"):
        Catalog(project).show("t.packed")


def test_storage_keys_of_the_catalog_reach_the_scan():
    """Polars reads data files by itself: without these it would ask amazonaws.com, whatever
    endpoint the catalog has.
    """
    from jupyter_mlinfra.catalog.rows import storage_options

    keys = {
        "s3.endpoint": "http://127.0.0.1:9",
        "s3.access-key-id": "a",
        "gcs.project-id": "p",
        "adls.account-name": "n",
        "uri": "http://x",
        "token": "secret",
    }
    assert set(storage_options(SimpleNamespace(io=SimpleNamespace(properties=keys)))) == {
        "s3.endpoint",
        "s3.access-key-id",
        "gcs.project-id",
        "adls.account-name",
    }
    assert storage_options(SimpleNamespace(io=SimpleNamespace(properties={"uri": "x"}))) is None


class Unsure:
    """Has the REST catalog answer the next commit with an error; `lands` says what becomes of the
    commit all the same.
    """

    def __init__(
        self,
        rest: SimpleNamespace,
        monkeypatch: pytest.MonkeyPatch,
        *,
        status: int,
        lands: str,
        other: Callable[[], object] | None = None,
    ) -> None:
        self.later: threading.Timer | None = None
        self.commits = 0
        route = rest.handler.route
        answer = rest.handler.answer

        def unsure(
            handler: RestServer, verb: str, parts: list[str], body: bytes
        ) -> dict[str, object]:
            if verb == "POST" and len(parts) == 4:
                self.commits += 1
                if self.commits == 1:
                    if lands == "at once":
                        route(handler, verb, parts, body)
                    elif lands == "later":
                        self.later = threading.Timer(0.7, route, (handler, verb, parts, body))
                        self.later.start()
                    elif other:
                        other()
                    raise Gone
            return route(handler, verb, parts, body)

        def answered(handler: RestServer) -> None:
            try:
                answer(handler)
            except Gone:
                if status:
                    handler.send(
                        status,
                        {
                            "error": {
                                "message": "upstream",
                                "type": "InternalServerError",
                                "code": status,
                            }
                        },
                    )
                else:
                    handler.close_connection = True  # no answer at all

        monkeypatch.setattr(rest.handler, "route", unsure)
        for verb in ("do_GET", "do_POST", "do_HEAD"):
            monkeypatch.setattr(rest.handler, verb, answered)


class Gone(Exception):
    """The answer is lost."""


@pytest.fixture
def lake(project, rest, monkeypatch):
    """A dataset of one row in a REST catalog."""
    monkeypatch.setenv("LAKE_TOKEN", TOKEN)
    catalog = Catalog(
        _project(
            project, f'[catalog]\nuri = "{rest.uri}"\nproperties = {{ token = "env:LAKE_TOKEN" }}\n'
        )
    )
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    return catalog


def _numbers(catalog, name="t.a"):
    return sorted(catalog.dataset(name).scan().collect()["n"].to_list())


@pytest.mark.parametrize("into", ["t.a", "t.new"])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 0])
@pytest.mark.parametrize("lands", ["at once", "later"])
def test_a_commit_that_lands_after_an_error_was_answered_keeps_its_files(
    lake, rest, monkeypatch, status, lands, into
):
    unsure = Unsure(rest, monkeypatch, status=status, lands=lands)
    report = lake.write(pl.DataFrame({"n": [2]}), into=into)
    assert unsure.commits == 1, "it is not sent again"
    assert _numbers(lake, into) == ([1, 2] if into == "t.a" else [2])
    assert lake.snapshots(into).items[0].id == report.snapshot


def test_a_commit_that_another_writer_overtook_is_given_up_for_certain(
    lake, rest, monkeypatch, tmp_path
):
    def other():
        table = rest.handler.catalog.load_table(("t", "a"))
        table.append(pl.DataFrame({"n": [10]}).to_arrow())

    unsure = Unsure(rest, monkeypatch, status=504, lands="never", other=other)
    with pytest.raises(Unavailable):
        lake.write(pl.DataFrame({"n": [2]}), into="t.a")
    assert unsure.commits == 1
    assert _numbers(lake) == [1, 10]
    assert len(list(tmp_path.glob("lake/**/*.parquet"))) == 2, (
        "the files of a commit that can never land are deleted"
    )
    assert lake.write(pl.DataFrame({"n": [2]}), into="t.a").rows_written == 1
    assert _numbers(lake) == [1, 2, 10]


def test_a_commit_of_which_nobody_knows_keeps_its_files_and_says_so(
    lake, rest, monkeypatch, tmp_path, file
):
    monkeypatch.setattr("jupyter_mlinfra.catalog.fate._CHECK_SECONDS", 0.2)
    unsure = Unsure(rest, monkeypatch, status=504, lands="later")
    with pytest.raises(
        Unavailable,
        match=r"It is not known yet whether t\.a was written.*mlinfra catalog show t\.a",
    ) as error:
        lake.ingest([file("a.csv", "n\n2\nx,y\n")], into="t.a")
    assert TOKEN not in str(error.value)
    assert unsure.later is not None
    unsure.later.join()
    assert _numbers(lake) == [1, 2]
    assert list(lake._project.home.glob("quarantine/**/*.parquet")), (
        "the row that was set aside belongs to the commit"
    )


def test_what_is_interrupted_while_its_commit_is_under_way_keeps_its_rows_in_quarantine(
    lake, file, monkeypatch
):
    from pyiceberg.catalog.rest import RestCatalog

    real = RestCatalog.commit_table

    def interrupted(self, *given):
        real(self, *given)
        raise KeyboardInterrupt

    monkeypatch.setattr(RestCatalog, "commit_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lake.ingest([file("a.csv", "n\n2\nx,y\n")], into="t.a")
    assert _numbers(lake) == [1, 2]
    assert list(lake._project.home.glob("quarantine/**/*.parquet"))


def test_a_catalog_that_is_not_reached_has_not_committed(lake, rest, monkeypatch, tmp_path):
    def cut(self, *_):
        raise requests.ConnectionError(
            MaxRetryError(None, "/", NewConnectionError(None, "connection refused"))
        )

    monkeypatch.setattr("pyiceberg.catalog.rest.RestCatalog.commit_table", cut)
    before = sorted(tmp_path.glob("lake/**/*.parquet"))
    started = time.monotonic()
    with pytest.raises(Unavailable, match="not written"):
        lake.write(pl.DataFrame({"n": [2]}), into="t.a")
    assert time.monotonic() - started < 20
    assert sorted(tmp_path.glob("lake/**/*.parquet")) == before


def test_with_an_endpoint_the_name_of_a_bucket_is_looked_up_nowhere(tmp_path, monkeypatch):
    """Without a region Arrow would ask AWS for the bucket's."""
    requests: list[str] = []
    monkeypatch.setattr("pyiceberg.io.pyarrow._cached_resolve_s3_region", requests.append)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    keys = {
        "s3.access-key-id": "a",
        "s3.secret-access-key": "b",
        "s3.connect-timeout": "1",
        "s3.request-timeout": "1",
    }
    lines = "".join(f'"{key}" = "{value}"\n' for key, value in keys.items())
    (tmp_path / "mlinfra.toml").write_text(
        '[catalog]\nwarehouse = "s3://lake/w"\n[catalog.properties]\n"s3.endpoint" ='
        f' "http://127.0.0.1:1"\n{lines}'
    )
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        Catalog(Project.open(tmp_path)).write(pl.DataFrame({"a": [1]}), into="t.t")
    assert requests == []


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({"s3.endpoint": "http://x"}, "us-east-1"),
        ({"s3.endpoint": "http://x", "s3.region": "eu-west-1"}, "eu-west-1"),
        ({"s3.endpoint": "http://x", "client.region": "eu-west-1"}, None),
        ({"s3.access-key-id": "a"}, None),  # AWS itself: the region is its own to tell
    ],
)
def test_a_region_is_made_up_only_for_an_endpoint_without_one(given, region, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert with_region(given).get("s3.region") == region
    assert with_region(given).items() >= given.items()


@pytest.mark.parametrize(
    ("settings", "module", "extra"),
    [
        (
            (
                'warehouse = "s3://lake/w"\n[catalog.properties]\n"py-io-impl" ='
                ' "pyiceberg.io.fsspec.FsspecFileIO"\n'
            ),
            "s3fs",
            "s3",
        ),
        (
            'uri = "sql+postgresql+psycopg2://ana:geheim@127.0.0.1:1/x"\nwarehouse = "/nowhere"\n',
            "psycopg2",
            "postgres",
        ),
    ],
)
def test_a_driver_that_is_missing_names_the_extra_that_brings_it(
    tmp_path, monkeypatch, settings, module, extra
):
    monkeypatch.setitem(sys.modules, module, None)  # as where it is not installed
    (tmp_path / "mlinfra.toml").write_text(f"[catalog]\n{settings}")
    with pytest.raises(Unavailable) as refused:
        Catalog(Project.open(tmp_path)).write(pl.DataFrame({"a": [1]}), into="t.t")
    assert refused.value.fix == f"pip install 'jupyter-mlinfra[{extra}]'"
    assert module in refused.value.why
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "begins"),
    [
        ("postgresql+psycopg://ana:geheim@127.0.0.1:1/x", "postgresql+psycopg://"),
        ("ana:geheim@127.0.0.1", "no https://"),
    ],
)
def test_an_address_that_no_client_takes_says_how_it_begins_and_should(tmp_path, uri, begins):
    (tmp_path / "mlinfra.toml").write_text(f'[catalog]\nuri = "{uri}"\nwarehouse = "/nowhere"\n')
    with pytest.raises(BadRequest) as refused:
        Catalog(Project.open(tmp_path)).list()
    assert begins in refused.value.why
    assert "sql+postgresql+psycopg://" in refused.value.fix
    assert "geheim" not in str(refused.value)


def test_an_azure_warehouse_without_an_account_says_what_is_missing(tmp_path):
    (tmp_path / "mlinfra.toml").write_text('[catalog]\nwarehouse = "abfs://container/folder"\n')
    with pytest.raises(BadRequest) as refused:
        Catalog(Project.open(tmp_path)).write(pl.DataFrame({"a": [1]}), into="t.t")
    assert "adls.account-name" in refused.value.fix
