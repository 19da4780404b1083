"""Passwords in addresses and settings: removed from every text that a log, an error or a reason
shows.
"""

from __future__ import annotations

import re

HIDDEN = "[secret]"
_USER = r"[^\s/:@'\"\[]*:"
# As SQLAlchemy reads an address: a password may hold slashes and colons, and an `@` too. Removing
# too much does no harm, but the port and the path of a web address stay. Each part ends at the next
# `://` at the latest, so a long text takes no longer than its length.
_WITH_USER = re.compile(
    rf"(?P<before>(?<!http)(?<!https)://{_USER}|https?://{_USER}(?!\d{{1,5}}[/?#]))(?P<password>[^\s'\"<>:]*(?::(?!//)[^\s'\"<>:]*)*)@",
    re.I,
)
_TOKEN_ALONE = re.compile(r"(?P<scheme>\bhttps?://)[^\s/:@'\"]+@")
# A signature is secret in a web address alone: `signature=infer_signature(…)` is a model's.
_NAMES = (
    "password|passwd|pwd|secret|token|api_?key|access_?key|private_?key|account_?key"
    r"|[?&](?:x-[a-z]+-)?sig(?:nature)?"
)
_NAMED = re.compile(rf"(?P<name>(?:{_NAMES})=)(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s&;#'\"<>]+)", re.I)


def password_in(address: str) -> str:
    """The password in an address, as it is written there; empty without one."""
    found = _WITH_USER.search(address)
    return found["password"] if found else ""


def without_passwords(text: str) -> str:
    """The text, with its secrets replaced: `sql://ana:[secret]@host`, `https://[secret]@host`,
    `?token=[secret]`, and without an address `host:6379,password=[secret]`.
    """
    if "://" in text:
        text = _WITH_USER.sub(rf"\g<before>{HIDDEN}@", text)
        text = _TOKEN_ALONE.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _NAMED.sub(rf"\g<name>{HIDDEN}", text)
