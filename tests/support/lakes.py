"""An S3 server on this machine, and what is asked of others meanwhile."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import ProxyHandler, Request, build_opener

import pyarrow.fs
import pytest

KEY, SECRET = "k", "canary-77"


@contextmanager
def requests_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of other machines within the block: by way of a proxy, or by PyArrow's search
    for a bucket's region, which heeds no proxy. The keys of the environment are taken away.
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
    try:
        yield requests
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def s3(bucket: str) -> Iterator[str]:
    """The address of an S3 server with one bucket, for KEY and SECRET."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=bucket)
    try:
        yield endpoint
    finally:
        # What it holds would be there for the next one.
        # `urlopen` would remember the proxy of `requests_elsewhere` for all that come after.
        direct = build_opener(ProxyHandler({}))
        direct.open(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
        server.stop()
