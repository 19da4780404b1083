"""Bodies that came compressed, inflated within a limit: a small one may hold gigabytes.

Environment: MLINFRA_BODY_BYTES, how large a body may be when it is inflated; the gateway's own
limit is for what comes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable

from .refusal import RequestRefused

ENCODINGS = ("gzip", "deflate")
HEADER = "content-encoding"
MOST_BYTES = 64 << 20
"""Where nobody has set a limit."""

_NAMES = {"x-gzip": "gzip", "identity": ""}
_FIX = "Send it with Content-Encoding: gzip or deflate, or without compression."


def is_encoded(headers: Callable[[str], str | None]) -> bool:
    """Whether a body has an encoding to be undone."""
    return _encoding(headers) != ""


def plain(body: bytes, headers: Callable[[str], str | None]) -> bytes:
    """A body without its Content-Encoding. Raises RequestRefused: 415 for one that is not known,
    413 for a body that is too large, 400 for a broken one.
    """
    encoding = _encoding(headers)
    if not encoding:
        return body
    if encoding not in ENCODINGS:
        raise RequestRefused(
            "The encoding of the request is not known.",
            f"Its Content-Encoding is {encoding[:80]}.",
            _FIX,
            status=415,
        )
    return inflated(body)


def inflated(data: bytes) -> bytes:
    """What gzip or zlib (HTTP's deflate) have compressed. Raises RequestRefused; no more than the
    limit is ever inflated.
    """
    most = int(os.environ.get("MLINFRA_BODY_BYTES", MOST_BYTES))
    opened = zlib.decompressobj(zlib.MAX_WBITS | 32)  # finds out which of the two it is
    try:
        found = opened.decompress(data, most + 1)
    except zlib.error as error:
        raise RequestRefused("The request cannot be decompressed.", f"{error}.", _FIX) from None
    if len(found) > most:
        raise RequestRefused(
            "The request is too large.",
            f"It has more than {most / (1 << 20):g} MiB without its compression.",
            "Send fewer rows a request, or raise [deployments] max_body_mib.",
            status=413,
        )
    if not opened.eof or opened.unused_data:
        what = "It is cut off." if not opened.eof else "Bytes follow its end."
        raise RequestRefused("The request cannot be decompressed.", what, _FIX)
    return found


def _encoding(headers: Callable[[str], str | None]) -> str:
    """Of a body; empty for one that has none."""
    name = (headers(HEADER) or "").strip().lower()
    return _NAMES.get(name, name)
