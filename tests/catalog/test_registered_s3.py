"""Files and Delta tables in place in an S3 store, read with the catalog's keys and nowhere else."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import boto3
import polars as pl
import pytest
from botocore.exceptions import ClientError
from deltalake import write_deltalake
from lakes import KEY, SECRET

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.grid.spec import GridQuery, Sort
from jupyter_mlinfra.catalog.stores.objects import address_of, objects_at
from jupyter_mlinfra.catalog.stores.refusals import refusal
from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MLInfraError,
    NotFound,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project

ROWS = pl.DataFrame(
    {"id": [1, 2, 3], "price": [649.37, 1649.5, None], "word": ["a", "b;c", None], "day": ["x"] * 3}
)
TEXT = 'id;price;word;day\n1;649,37;a;x\n2;1649,5;"b;c";x\n3;;;x\n'


@pytest.fixture
def lake(project: Project, s3: str) -> Catalog:
    """A local warehouse: only the keys of the store are set."""
    (project.root / "mlinfra.toml").write_text(f"[catalog.properties]\n{s3}")
    return Catalog(Project.open(project.root))


@pytest.fixture
def client(lake: Catalog) -> Any:
    """The store, by another library."""
    return boto3.client(
        "s3",
        endpoint_url=lake._store.iceberg.properties["s3.endpoint"],
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )


@pytest.fixture
def put(client: Any) -> Callable[[str, pl.DataFrame | str], None]:
    """Puts a frame as Parquet, or text, at a key of the bucket."""

    def write(key: str, content: pl.DataFrame | str) -> None:
        body = BytesIO()
        if isinstance(content, str):
            body.write(content.encode())
        else:
            content.write_parquet(body)
        client.put_object(Bucket="lake", Key=key, Body=body.getvalue())

    return write


def delta_options(client: Any) -> dict[str, str]:
    return {
        "aws_endpoint_url": client.meta.endpoint_url,
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }


def keys(client: Any) -> dict[str, str]:
    return {item["Key"]: item["ETag"] for item in client.list_objects_v2(Bucket="lake")["Contents"]}


def test_every_reading_verb_knows_it_and_nobody_else_is_asked(
    lake: Catalog, client: Any, put: Callable[..., None], elsewhere: list[str]
) -> None:
    put("p/part-0.parquet", ROWS[:2])
    put("p/deep/part-1.parquet", ROWS[2:])
    put("p/_SUCCESS", "")
    put("a.csv", TEXT)
    options = delta_options(client)
    write_deltalake("s3://lake/delta", ROWS[:2], storage_options=options)
    write_deltalake("s3://lake/delta", ROWS[2:], mode="append", storage_options=options)
    before = keys(client)
    places = {"parquet": "s3a://lake/p/", "csv": "s3://lake/*.csv", "delta": "s3://lake/delta"}
    for kind, place in places.items():
        name = f"lake.{kind}"
        seen = lake.inspect([place], in_place=True)
        assert ([column.name for column in seen.columns], seen.shown) == (ROWS.columns, 3)
        shown = lake.register(place, name=name)
        assert (shown.domain, shown.columns, bool(shown.bytes)) == (kind, 4, True)
        scanned = lake.dataset(name).scan()
        assert scanned.sort("id").collect().to_dicts() == ROWS.to_dicts()
        some = scanned.filter(pl.col("id") > 1).select("word", "id").sort("id").head(1).collect()
        assert some.to_dicts() == [{"word": "b;c", "id": 2}]
        assert lake.preview(name, start=1, count=2).shown == 2
        assert lake.show(name).dataset.rows.value == 3
        assert lake.sql(f"SELECT sum(price) AS p FROM {name}").item() == 649.37 + 1649.5
        exact = lake.profile(name, tier="exact").columns
        assert (exact["id"].max, exact["price"].nulls) == (3, 1)
        assert lake.profile(name, tier="sample").rows == 3
        top = lake.grid(name, GridQuery(sort=(Sort(column="id", descending=True),)))
        assert top.data[0] == [3, 2, 1]
        lake.rule(name, "price not null")
        assert [rule.failed_rows for rule in lake.quality(name).rules] == [1]
        written = lake.write(scanned.select("id"), into=f"own.{kind}")
        made = f"dataset:own.{kind}@{written.snapshot}"
        edges = {edge.input for edge in lake._project.lineage.edges() if edge.output == made}
        assert edges == {f"dataset:{name}"}
    assert {hit.ref for hit in lake.search("price").items} >= {
        f"column:lake.{kind}.price" for kind in places
    }
    assert keys(client) == before
    assert elsewhere == []
    assert not list((lake._project.home / "staging").iterdir())


_READS = """
import sys
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.tables.placed import place_of
from jupyter_mlinfra.core.project import Project
project = Project.open(sys.argv[1])
place = place_of("s3://lake/a.csv", project, Catalog(project)._store)
with place.here(place.files("csv")):
    print("reads", flush=True)
    sys.stdin.read()
"""


def test_copies_of_objects_do_not_outlive_the_next_reading(
    lake: Catalog, project: Project, put: Callable[[str, str], None]
) -> None:
    put("a.csv", TEXT)
    lake.register("s3://lake/a.csv", name="lake.text")
    staging = lake._project.home / "staging"
    with subprocess.Popen(
        [sys.executable, "-c", _READS, str(project.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reads\n"
        process.kill()
    assert [copy.read_text() for copy in staging.rglob("a.csv")] == [TEXT]
    assert lake.preview("lake.text").shown == 3
    assert not list(staging.iterdir())


def test_an_address_of_a_tier_is_asked_with_the_keys_of_the_tier(project: Project) -> None:
    (project.root / "mlinfra.toml").write_text(
        "[catalog.properties]\n"
        '"s3.endpoint" = "http://hot:1"\n'
        '[catalog.tiers.cold]\nwarehouse = "s3://cold"\n'
        '[catalog.tiers.cold.properties]\n"s3.endpoint" = "http://cold:1"\n'
    )
    store = Catalog(Project.open(project.root))._store
    asked = {
        text: objects_at(store, address_of(text)).properties["s3.endpoint"]
        for text in ("s3://cold/", "s3a://cold", "s3://cold/x/", "s3://cold/*.csv", "s3://colder/")
    }
    assert asked.pop("s3://colder/") == "http://hot:1"
    assert set(asked.values()) == {"http://cold:1"}


def test_no_repr_of_how_a_store_is_reached_shows_its_keys(lake: Catalog, project: Project) -> None:
    (project.root / "mlinfra.toml").open("a").write(
        '[catalog.tiers.cold]\nwarehouse = "s3://cold"\n'
        f'[catalog.tiers.cold.properties]\n"s3.secret-access-key" = "{SECRET}"\n'
    )
    store = Catalog(Project.open(project.root))._store
    told = [objects_at(store, "s3://lake/p"), *store.tiers.others]
    assert all(SECRET in place.properties.values() for place in told)
    assert SECRET not in repr(told)


def test_what_happens_to_the_objects_shows_and_a_list_asks_no_store(
    lake: Catalog, client: Any, put: Callable[..., None]
) -> None:
    put("p/a.parquet", pl.DataFrame({"n": [1, 2]}))
    lake.register("s3://lake/p", name="lake.p")
    (listed,) = lake.list().items
    state = lake.fingerprint("lake.p")
    assert state == lake.fingerprint("lake.p")
    put("p/a.parquet", pl.DataFrame({"n": [8, 9]}))  # the same size, perhaps the same second
    assert lake.fingerprint("lake.p") != state
    put("p/b.parquet", pl.DataFrame({"n": [3]}))
    assert lake.preview("lake.p").data == [[8, 9, 3]]
    assert lake.list().items[0].bytes == listed.bytes
    lake.show("lake.p")
    assert (lake.list().items[0].bytes or 0) > (listed.bytes or 0)
    for key in ("p/a.parquet", "p/b.parquet"):
        client.delete_object(Bucket="lake", Key=key)
    for look in (lake.show, lake.preview):
        with pytest.raises(NotFound, match="No object matches s3://lake/p"):
            look("lake.p")
    assert "No object matches" in lake.list().items[0].description
    put("p/a.parquet", "no parquet")
    with pytest.raises(Unprocessable, match="s3://lake/p cannot be read"):
        lake.preview("lake.p")
    lake.delete("lake.p")
    assert list(keys(client)) == ["p/a.parquet"]


def test_personal_columns_are_masked_under_every_name_of_the_objects(
    lake: Catalog, put: Callable[..., None]
) -> None:
    canary = "canary-51c2"
    put("in/a.csv", f"id,word\n1,{canary}\n2,b\n")
    lake.register("s3://lake/in/a.csv", name="lake.one")
    lake.tag("column:lake.one.word", add=["pii"])
    lake.register("s3://lake/in/*.csv", name="lake.again")
    for name in ("lake.one", "lake.again"):
        told = [
            lake.preview(name),
            lake.profile(name, tier="exact"),
            lake.sql(f"SELECT word, count(*) FROM {name} GROUP BY word").to_dicts(),
            lake.grid(name, GridQuery()),
        ]
        assert canary not in repr(told)
        with pytest.raises(Forbidden):
            lake.sql(f"SELECT * FROM {name} WHERE word = '{canary}'")
    assert canary in repr(lake.preview("lake.one", reveal=True))


def test_prefixes_that_are_values_are_columns_and_leave_out_objects(
    lake: Catalog, client: Any, put: Callable[..., None]
) -> None:
    for folder, part in (("year=2023/at=a%20b", ROWS[:2]), ("year=2024/at=c%3Ad", ROWS[2:])):
        put(f"h/{folder}/x.parquet", part)
        put(f"t/{folder}/x.csv", part.write_csv())
    for place, kind in (("s3://lake/h/", "parquet"), ("s3://lake/t/*/*/*.csv", "csv")):
        lake.register(place, name=f"lake.{kind}")
        rows = lake.dataset(f"lake.{kind}").scan()
        told = rows.sort("id").select("id", "year", "at").collect().rows()
        assert told == [(1, 2023, "a b"), (2, 2023, "a b"), (3, 2024, "c:d")]
        for key in [key for key in keys(client) if kind in key and "year=2023" in key]:
            client.delete_object(Bucket="lake", Key=key)
        assert rows.filter(pl.col("year") == 2024).collect()["id"].to_list() == [3]


def test_what_cannot_be_registered_is_refused_with_the_reason(
    lake: Catalog, put: Callable[..., None]
) -> None:
    put("t/_delta_log/0.json", "{}")
    put("t/a.parquet", ROWS)
    put("m/a.csv", TEXT)
    put("m/b.parquet", ROWS)
    put("m/notes.md", "x")
    lake.register("s3://lake/m/b.parquet", name="lake.there")
    cases: list[tuple[str, type[MLInfraError], str]] = [
        ("s3://lake/t/a.parquet", BadRequest, "Delta table.*mlinfra catalog register"),
        ("s3://lake/t", NotFound, "no Delta table in s3://lake/t"),
        ("s3://lake/m", BadRequest, "several kinds.*csv, parquet"),
        ("s3://lake/m/notes.md", BadRequest, "not of a kind"),
        ("s3://lake/none/", NotFound, "No object matches"),
        ("s3://other/x", NotFound, "There is no bucket other"),
        ("s3://", BadRequest, "names no bucket"),
        ("s3://k:canary@lake/m", BadRequest, "has a user or a password"),
        ("gs://lake/m", BadRequest, "not a file"),
    ]
    for place, error, words in cases:
        with pytest.raises(error, match=words):
            lake.register(place, name="lake.b")
    with pytest.raises(Conflict, match=r"registered in place.*read from s3://lake/m/b\.parquet"):
        lake.write(ROWS, into="lake.there")
    assert [item.name for item in lake.list().items] == ["lake.there"]


@contextmanager
def refusing() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server that answers all requests with one error in S3's words, as the caller sets it."""
    said: dict[str, Any] = {}

    class Store(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = f"<Error><Code>{said['code']}</Code><Message>{said['text']}</Message></Error>"
            content = f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode()
            self.send_response(said["status"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", said
    finally:
        server.shutdown()
        server.server_close()


REFUSALS = {
    "AccessDenied": (403, "credentials", "refused the key (403)", "s3:GetObject"),
    "InvalidAccessKeyId": (403, "credentials", "does not know the key", "s3.access-key-id"),
    "SignatureDoesNotMatch": (403, "credentials", "does not belong", "s3.secret-access-key"),
    "ExpiredToken": (400, "credentials", "has expired", "s3.session-token"),
    "RequestTimeTooSkewed": (403, "unavailable", "clock", "Set it"),
    "PermanentRedirect": (301, "unavailable", "another region", '"s3.region" = "'),
    "AuthorizationHeaderMalformed": (400, "unavailable", "another region", '"s3.region" = "eu-'),
}


def test_a_store_that_refuses_is_told_apart_and_the_fix_named(
    lake: Catalog, client: Any, put: Callable[..., None], project: Project, elsewhere: list[str]
) -> None:
    put("p/a.parquet", ROWS)
    put("a.csv", TEXT)
    write_deltalake("s3://lake/delta", ROWS, storage_options=delta_options(client))
    for name, place in {"x.p": "p", "x.text": "a.csv", "x.delta": "delta"}.items():
        lake.register(f"s3://lake/{place}", name=name)
    lake.write(ROWS, into="x.own")
    with refusing() as (endpoint, said):
        settings = project.root / "mlinfra.toml"
        settings.write_text(settings.read_text().replace(client.meta.endpoint_url, endpoint))
        denied = Catalog(Project.open(project.root))
        for code, (status, kind, why, fix) in REFUSALS.items():
            said |= {"status": status, "code": code, "text": f"{SECRET} expecting 'eu-west-1'"}
            told = []
            for name in ("x.p", "x.text", "x.delta"):
                with pytest.raises(MLInfraError) as refused:
                    denied.preview(name)
                told.append(refused.value)
            with pytest.raises(MLInfraError) as refused:
                denied.ingest(["s3://lake/p"], into="x.more")
            told.append(refused.value)
            for error in told:
                assert (error.code, why in error.why, fix in error.fix) == (kind, True, True), error
                assert SECRET not in str(error)
        assert len(denied.list().items) == 4
        assert denied.preview("x.own").shown == 3
    assert elsewhere == []


NOT_OF_A_STORE = [
    pl.exceptions.ComputeError("parquet: no PAR1; path s3://lake/cloudtrail/AccessDenied/a.parquet"),
    pl.exceptions.ComputeError("could not parse `<Code>InvalidToken</Code>` in s3://lake/a.csv"),
    pl.exceptions.ColumnNotFoundError('no column "timed_out"; valid columns: ["aws_region"]'),
    OSError("When reading key 'slowdown' in bucket 's3': AWS Error UNKNOWN (HTTP status 500) during"
            " GetObject operation: No response body."),
    OSError(5, "Input/output error", "/home/laws/accessdenied/s3/x.parquet"),
    OSError("object-store error: Error performing GET http://h/lake/x in 1ms - Server returned"
            " non-2xx status code: 500 Oops:"
            " (path: s3://lake/<Error><Code>AccessDenied</Code>/403 Forbidden)"),
]  # fmt: skip


@pytest.mark.parametrize("error", NOT_OF_A_STORE, ids=str)
def test_names_of_objects_columns_and_values_are_no_answer_of_a_store(error: Exception) -> None:
    assert refusal(error, "It cannot be read.", "s3://lake/x") is None


def test_what_other_readers_say_of_a_store_is_told_apart() -> None:
    sent = "Error performing GET http://h/lake/p in 4.6s, after 8 retries, max_retries: 8"
    cases: list[tuple[Exception, str]] = [
        (ClientError({"Error": {"Code": "ExpiredToken"}}, "GetObject"), "has expired"),
        (OSError(f"object-store error: {sent} - HTTP error: error sending request"), "not answer"),
        (OSError(f"Generic S3 error: {sent} - status code: 503 Service Unavailable: "), "busy"),
        (
            OSError(
                "When listing objects under key 'p' in bucket 'b': AWS Error NETWORK_CONNECTION"
                " during ListObjectsV2 operation: curlCode: 7, Could not connect to server"
            ),
            "not answer",
        ),
        (
            OSError(
                "When getting information for key 'p' in bucket 'b': AWS Error UNKNOWN (HTTP status"
                " 301) during HeadObject operation: No response body."
            ),
            "another region",
        ),
    ]
    for error, why in cases:
        told = refusal(error, "It cannot be read.", "s3://lake/p")
        assert told is not None, error
        assert why in told.why
