"""Passwords in addresses: struck out of every text that a log, an error or a reason shows."""

from __future__ import annotations

import re

HIDDEN = "[secret]"
# As SQLAlchemy reads an address: a password may hold all but spaces, an `@` and slashes too. What is struck out needlessly does no harm.
_WITH_USER = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s/:@'\"]*):(?P<password>[^\s'\"<>]*)@")
_TOKEN_ALONE = re.compile(r"(?P<scheme>\bhttps?://)[^\s/:@'\"]+@")
_NAMES = "password|passwd|pwd|secret|token|signature|sig|api_?key|access_?key|private_?key|account_?key"
_IN_QUERY = re.compile(rf"(?P<name>[?&;][\w.-]*(?:{_NAMES})=)[^\s&;#'\"<>]+", re.I)


def password_in(address: str) -> str:
    """The password of an address, as it is written there; empty without one."""
    found = _WITH_USER.search(address)
    return found["password"] if found else ""


def without_passwords(text: str) -> str:
    """The text, with the secrets in its addresses struck out: `sql://ana:[secret]@host`, `https://[secret]@host`, `?token=[secret]`."""
    if "://" not in text:
        return text
    text = _WITH_USER.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    text = _TOKEN_ALONE.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _IN_QUERY.sub(rf"\g<name>{HIDDEN}", text)
