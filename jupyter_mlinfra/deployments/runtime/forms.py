"""Forms, as Seldon's own testers and clients send their bodies: the field `json` of a form.

A web page can post a form to any address without asking, so one that a browser sends is refused:
every browser says where a page comes from (`Origin`, or `Sec-Fetch-Site`), and Seldon's clients do
not.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

CONTENT_TYPE = "application/x-www-form-urlencoded"
_OF_BROWSERS = ("origin", "sec-fetch-site")


def json_of(body: bytes, headers: Callable[[str], str | None]) -> bytes | None:
    """The JSON that a form holds; None if there is none to be read."""
    kind = (headers("content-type") or "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE or any(headers(name) is not None for name in _OF_BROWSERS):
        return None
    try:
        fields = parse_qs(body.decode(), max_num_fields=16)
    except ValueError:
        return None
    return fields["json"][0].encode() if "json" in fields else None
