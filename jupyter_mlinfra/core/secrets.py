"""Secrets by reference: `env:NAME` or `keyring:SERVICE/NAME`; the value never enters a file, a log
or a notebook.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .errors import BadRequest, NotFound, Unavailable

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAMES = r"passwords?|passwd|pwd|passphrases?|secrets?|credentials?|tokens(?!ecret)|token"
_KEYS = ("api", "access", "secret", "private", "auth", "account", "encryption", "signing")
_JOINED = re.compile(rf"({_NAMES})|({'|'.join(_KEYS)})(keys?)")
"""Where a word inside a word ends: `dbpassword` is two words, `apikey` too."""
_NO_SECRET = re.compile(r"\w*tokeni[sz]\w*|secretar\w*|secretion\w*")
_ABOUT = {
    "path",
    "file",
    "filename",
    "dir",
    "folder",
    "url",
    "uri",
    "endpoint",
    "name",
    "names",
    "env",
    "var",
    "variable",
    "field",
    "fields",
    "column",
    "columns",
    "col",
    "cols",
    "count",
    "counts",
    "limit",
    "limits",
    "length",
    "lengths",
    "len",
    "size",
    "policy",
    "type",
    "types",
    "expiry",
    "ttl",
    "version",
    "required",
    "enabled",
}
"""Words that follow in a name about a secret that does not hold it: `password_file`,
`token_count`.
"""
_OF_TOKENS = {
    "id",
    "ids",
    "rate",
    "budget",
    "per",
    "index",
    "indices",
    "position",
    "positions",
    "embedding",
    "embeddings",
    "dim",
    "prob",
    "probs",
    "usage",
    "window",
    "level",
}
_SIGNS = {
    "pad",
    "eos",
    "bos",
    "unk",
    "sep",
    "cls",
    "mask",
    "special",
    "stop",
    "start",
    "end",
    "begin",
    "first",
    "last",
    "image",
    "max",
    "min",
    "num",
    "n",
    "per",
    "total",
    "avg",
}
"""Words before a token that is a piece of text: `pad_token`, `max_tokens`."""
_OF_ACCESS = {
    "api",
    "access",
    "auth",
    "oauth",
    "bearer",
    "refresh",
    "github",
    "gitlab",
    "hf",
    "slack",
    "bot",
    "personal",
    "deploy",
    "session",
    "service",
    "login",
}
"""Words before several tokens that give access."""
_OF_TABLES = {
    "primary",
    "foreign",
    "sort",
    "partition",
    "join",
    "public",
    "group",
    "unique",
    "index",
    "cache",
    "row",
    "object",
    "lookup",
    "surrogate",
    "order",
}
"""Words right before a key that gives no access."""


def is_reference(text: str) -> bool:
    """Whether `text` names a secret instead of holding a value."""
    return text.startswith(("env:", "keyring:"))


def references(value: object) -> Iterator[str]:
    """Every reference to a secret in a value, at any depth of lists and mappings."""
    if isinstance(value, str):
        if is_reference(value):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from references(item)


def resolve(text: str) -> str:
    """The value behind a reference; any other text is returned as it is.

    Raises NotFound when the secret does not exist, Unavailable when no keyring is installed.
    """
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in os.environ:
            raise NotFound(
                f"Secret {text} is not set.",
                f"There is no environment variable {name}.",
                f"Export {name} and start again.",
            )
        return os.environ[name]
    if text.startswith("keyring:"):
        return _from_keyring(text)
    return text


def _from_keyring(text: str) -> str:
    service, _, name = text.removeprefix("keyring:").partition("/")
    if not service or not name:
        raise BadRequest(f"{text} is not a secret reference.", "The form is keyring:SERVICE/NAME.")
    try:
        import keyring
    except ImportError as error:
        raise Unavailable(
            f"Secret {text} cannot be read.", "No keyring is installed.", "pip install keyring"
        ) from error
    value = keyring.get_password(service, name)
    if value is None:
        raise NotFound(
            f"Secret {text} does not exist.",
            f"The keyring has no {name} for {service}.",
            f"keyring set {service} {name}",
        )
    return str(value)


def is_named_like_secret(name: str) -> bool:
    """Whether a name says that its value is secret: `db_password_prod`, `hfToken2`, `apikey`; not
    `max_tokens`, `password_file` or `sort_key`.
    """
    return any(_says_secret(_words(text)) for text in (name, name.lower()))


def _words(name: str) -> list[str]:
    """The words of a name without digits; words that are written together are split: `dbpassword1`
    → db, password.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    return [
        part
        for word in words
        for part in ([] if _NO_SECRET.fullmatch(word) else _JOINED.split(word))
        if part
    ]


def _says_secret(words: Sequence[str]) -> bool:
    for place, word in enumerate(words):
        before, after = words[:place], set(words[place + 1 :])
        if after & _ABOUT:
            continue
        if word in ("key", "keys"):
            found = (
                not set(_KEYS).isdisjoint(before)
                and before[-1] not in _OF_TABLES
                and not after & {"id", "ids"}
            )
        elif word == "tokens":
            found = not _OF_ACCESS.isdisjoint(before) and _SIGNS.isdisjoint(before)
        elif word == "token":
            found = _SIGNS.isdisjoint(before) and not after & _OF_TOKENS
        else:
            found = re.fullmatch(_NAMES, word) is not None
        if found:
            return True
    return False


def check_secret(name: str, value: object, what: str) -> None:
    """Raise BadRequest if a value whose name says that it is secret is given in clear: it would be
    kept in the database and in executed notebooks.

    In lists and mappings each value counts under the names that lead to it. what: how the message
    names it; the value is not repeated.
    """
    if is_named_like_secret(name):
        if _has_clear(value):
            raise BadRequest(
                f"{what} would be stored in clear.",
                "Its name says that it is a secret, and the state keeps what a job is given,"
                " parameters also in executed notebooks.",
                f"Give a reference (env:{name.upper()} or keyring:SERVICE/NAME), or another name if"
                " it is not a secret.",
            )
    elif isinstance(value, Mapping):
        for key, item in value.items():
            check_secret(str(key), item, f"{what}, {key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            check_secret(name, item, what)


def _has_clear(value: object) -> bool:
    """Whether a value is, or holds, anything but references to secrets; nothing, true and false do
    not count.
    """
    if value is None or isinstance(value, bool) or value == "":
        return False
    if isinstance(value, Mapping):
        return any(map(_has_clear, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(map(_has_clear, value))
    return not (isinstance(value, str) and is_reference(value))


def redacted(text: str, values: Iterable[str]) -> str:
    """The text with each of the secret values replaced. Values below 4 characters stay: they would
    blot out half of the text.
    """
    for value in values:
        if len(value) >= 4:
            text = text.replace(value, "[secret]")
    return text
