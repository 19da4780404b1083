"""What the tests of the catalog share: a catalog, files to put into it, and the rows of a dataset
as plain Python.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.fs
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
def s3(elsewhere: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 server with a bucket `lake`, as lines for `[catalog.properties]`: an endpoint, a secret
    by reference, no region. What is asked of anybody else is in `elsewhere`.
    """
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
    keys = {"endpoint": endpoint, "access-key-id": "k", "secret-access-key": "env:S3_SECRET"}
    yield "".join(f'"s3.{name}" = "{value}"\n' for name, value in keys.items())
    server.stop()
