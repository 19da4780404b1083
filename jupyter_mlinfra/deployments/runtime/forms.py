"""Bodies that are not marked as JSON: forms, as Seldon's own testers and clients send them (the
field `json` of a form), and those without a type, as Triton's client for HTTP does.

A web page can post both to any address without asking, so what a browser sends is refused: every
browser says where a page comes from (`Origin`, or `Sec-Fetch-Site`), and these clients do not.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

CONTENT_TYPE = "application/x-www-form-urlencoded"
_OF_BROWSERS = ("origin", "sec-fetch-site")


def json_of(body: bytes, headers: Callable[[str], str | None]) -> bytes | None:
    """The JSON that a form holds; None if there is none to be read."""
    kind = (headers("content-type") or "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE or _is_of_browser(headers):
        return None
    try:
        fields = parse_qs(body.decode(), max_num_fields=16)
    except ValueError:
        return None
    return fields["json"][0].encode() if "json" in fields else None


def is_untyped(path: str, headers: Callable[[str], str | None]) -> bool:
    """Whether a body without a type is one of the Open Inference Protocol, and of no browser."""
    is_asked = path.endswith("/infer") and not headers("content-type")
    return is_asked and not _is_of_browser(headers)


def _is_of_browser(headers: Callable[[str], str | None]) -> bool:
    return any(headers(name) is not None for name in _OF_BROWSERS)
