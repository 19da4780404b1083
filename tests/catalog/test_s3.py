"""A warehouse on an S3 server of one's own, as documented: an endpoint, keys, no region. Nothing is
asked of anybody else.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pyarrow.fs
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of other machines: by way of a proxy, or by PyArrow's search for a bucket's
    region, which heeds no proxy.
    """
    requests: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def refuse(self) -> None:
            requests.append(self.path)
            self.send_error(502)

        do_CONNECT = do_GET = do_HEAD = do_PUT = do_POST = refuse  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    def region(bucket: str) -> str:
        requests.append(f"the region of {bucket}")
        raise OSError("not reached")

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pyarrow.fs, "resolve_s3_region", region)
    yield requests
    server.shutdown()
    server.server_close()


@pytest.fixture
def lake(
    project: Project, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Catalog]:
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    monkeypatch.setenv("S3_SECRET", "canary-77")
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="k",
        aws_secret_access_key="canary-77",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="lake")
    (project.root / "mlinfra.toml").write_text(
        '[catalog]\nwarehouse = "s3://lake/warehouse"\n[catalog.properties]\n"s3.endpoint" ='
        f' "{endpoint}"\n"s3.access-key-id" = "k"\n"s3.secret-access-key" = "env:S3_SECRET"\n'
    )
    yield Catalog(Project.open(project.root))
    server.stop()


def test_every_verb_stays_at_the_endpoint(lake: Catalog, elsewhere: list[str], file) -> None:
    report = lake.ingest([file("a.csv", "id,word\n1,a\n2,b\n")], into="sales.orders")
    lake.write(pl.DataFrame({"id": [3], "word": ["c"]}), into="sales.orders")
    assert lake.preview("sales.orders").total == 3
    assert lake.dataset("sales.orders").scan(report.snapshot).collect()["id"].to_list() == [1, 2]
    assert lake.profile("sales.orders", tier="exact").columns[0].max.value == 3
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
