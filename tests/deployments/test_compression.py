"""Compressed bodies: what they hold is read, and never more of it than the limit."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from jupyter_mlinfra.deployments.runtime import compression
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused

BODY = json.dumps({"data": {"ndarray": [[1.0, 2.0]] * 50}}).encode()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        (" GZIP ", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
        (None, bytes),
    ],
)
def test_a_body_is_read_as_it_was_before_its_encoding(
    encoding: str | None, compress: Callable[[bytes], bytes]
) -> None:
    assert compression.plain(compress(BODY), {"content-encoding": encoding}.get) == BODY


@pytest.mark.parametrize(
    ("encoding", "body", "status", "what"),
    [
        ("br", BODY, 415, "The encoding of the request is not known."),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), 415, "The encoding"),
        ("gzip", BODY, 400, "The request cannot be decompressed."),
        ("gzip", gzip.compress(BODY)[:-9], 400, "The request cannot be decompressed."),
        ("gzip", gzip.compress(BODY) + b"more", 400, "The request cannot be decompressed."),
        ("gzip", b"", 400, "The request cannot be decompressed."),
        ("deflate", zlib.compress(bytes(1001)), 413, "The request is too large."),
        ("gzip", gzip.compress(bytes(1 << 20), 1), 413, "The request is too large."),
    ],
    ids=[
        "unknown",
        "twice",
        "plain",
        "cut off",
        "more behind",
        "empty",
        "deflated too large",
        "too large",
    ],
)
def test_what_cannot_be_read_is_refused(
    encoding: str, body: bytes, status: int, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_BODY_BYTES", "1000")
    with pytest.raises(RequestRefused) as refused:
        compression.plain(body, {"content-encoding": encoding}.get)
    assert refused.value.status == status
    assert refused.value.what.startswith(what)
    assert refused.value.fix


def test_a_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLINFRA_BODY_BYTES", "1000")
    bomb = gzip.compress(bytes(64 << 20), 1)
    tracemalloc.start()
    try:
        with pytest.raises(RequestRefused):
            compression.inflated(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_body_of_exactly_the_limit_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLINFRA_BODY_BYTES", str(len(BODY)))
    assert compression.inflated(gzip.compress(BODY)) == BODY
