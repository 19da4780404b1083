"""The end of a log, for the person who has to correct what failed."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from ..core.passwords import HIDDEN, without_passwords
from ..core.secrets import is_named_like_secret

LINES, CHARACTERS = 40, 4_000
"""What is shown at most."""

_READ_BYTES = 64_000
_LEAST_SECRET = 6
"""Shorter values of the environment are words of any log: `true`, `8080`."""

_BEGIN, _END = (
    re.compile(rf"-----{word} [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,10}}-----")
    for word in ("BEGIN", "END")
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=\s\\]*")
_ADDRESS = re.compile(r"(?P<host>\bhttps?://[^\s/'\"<>]{1,255})/[^\s'\"<>]+", re.I)
_HOOKS = re.compile(r"hook|//api\.telegram\.org/", re.I)
_BEARER = re.compile(r"\b(?P<word>Bearer\s{1,4})[^\s'\",;]+", re.I)
_NAMED = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{1,80})"
    r"(?P<sign>\\?['\"]?[^\S\n]*[=:][^\S\n]*|['\"],[^\S\n]*(?=b?['\"])|[^\S\n]+(?=[^\s=:-]))"
)
_HEADERS = ("authorization", "cookie")
_QUOTED = r"b?(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
_LINE = re.compile(rf"{_QUOTED}|[^\n]*")
_WORD = re.compile(rf"{_QUOTED}|[^\s&#'\"]*")


def tail(text: str) -> str:
    """The last lines of a text, without secrets of known forms."""
    shown = without_secrets(text[-_READ_BYTES:])
    lines = [line.rstrip() for line in shown.splitlines() if line.strip()]
    return "\n".join(lines[-LINES:])[-CHARACTERS:]


def without_secrets(text: str) -> str:
    """The text without secrets of known forms: those in addresses and in those of webhooks, private
    keys, credentials in headers, values of options and of what is named like a secret, and values
    of such variables of this process. It takes as long as the text is.
    """
    shown = without_passwords(_without_keys(text))
    for name, value in os.environ.items():
        if len(value) >= _LEAST_SECRET and is_named_like_secret(name):
            shown = shown.replace(value, HIDDEN)
    shown = _ADDRESS.sub(_without_path, shown)
    return _BEARER.sub(rf"\g<word>{HIDDEN}", _without_values(shown))


def newest_tail(logs: Path, pattern: str) -> str:
    """The end of the file of that pattern that was written last; empty without one."""
    with contextlib.suppress(OSError, ValueError):
        log = max(logs.glob(pattern), key=lambda path: path.stat().st_mtime)
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _READ_BYTES))
            return tail(file.read().decode(errors="replace"))
    return ""


def _without_keys(text: str) -> str:
    """Without private keys in PEM, also one of which the text has only the beginning or the end."""
    before, *others = _BEGIN.split(text)
    *cut, shown = _END.split(before)
    shown = HIDDEN + shown if cut else shown
    for part in others:
        *key, rest = _END.split(part)
        if not key:
            rest = _KEY_BODY.sub("\n", part, count=1)
        shown += HIDDEN + rest
    return shown


def _without_path(found: re.Match[str]) -> str:
    """The address of a webhook without its path, which is its secret."""
    return f"{found['host']}/{HIDDEN}" if _HOOKS.search(found[0]) else found[0]


def _without_values(text: str) -> str:
    """Without what follows names of secrets: a quoted text, the next word of an option or of the
    query of an address, else the rest of the line.
    """
    shown, place = "", 0
    for found in _NAMED.finditer(text):
        if found.start() < place or not _names_secret(found["name"], found["sign"]):
            continue
        is_word = text[found.start() - 1 : found.start()] in ("?", "&") or not _assigns(
            found["sign"]
        )
        value = (_WORD if is_word else _LINE).match(text, found.end())
        if value and value[0]:
            shown += text[place : found.end()] + HIDDEN
            place = value.end()
    return shown + text[place:]


def _assigns(sign: str) -> bool:
    return "=" in sign or ":" in sign


def _names_secret(name: str, sign: str) -> bool:
    """Whether a secret follows. sign: between both; without one, the name must be an option, and
    with a comma also a header may be one.
    """
    is_header = name.lower().endswith(_HEADERS)
    if not _assigns(sign):
        return (name.startswith("--") and is_named_like_secret(name)) or (is_header and "," in sign)
    return is_header or "webhook" in name.lower() or is_named_like_secret(name)
