"""Secrets by reference: `env:NAME` or `keyring:SERVICE/NAME`; the value never enters a file, a log or a notebook."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from .errors import BadRequest, NotFound, Unavailable

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = {"password", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "credential", "credentials", "apikey"}
_KEYS = {"api", "access", "secret", "private", "auth", "account", "encryption", "signing"}


def is_reference(text: str) -> bool:
    """Whether `text` names a secret instead of holding a value."""
    return text.startswith(("env:", "keyring:"))


def resolve(text: str) -> str:
    """The value behind a reference; any other text is returned as it is.

    Raises NotFound when the secret does not exist, Unavailable when no keyring is installed.
    """
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in os.environ:
            raise NotFound(f"Secret {text} is not set.", f"There is no environment variable {name}.", f"Export {name} and start again.")
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
        raise Unavailable(f"Secret {text} cannot be read.", "No keyring is installed.", "pip install keyring") from error
    value = keyring.get_password(service, name)
    if value is None:
        raise NotFound(f"Secret {text} does not exist.", f"The keyring has no {name} for {service}.", f"keyring set {service} {name}")
    return str(value)


def is_named_like_secret(name: str) -> bool:
    """Whether a name says that its value is secret: `db_password`, `hf_token`, `apiKey`; not `max_tokens` or `sort_key`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return bool(words) and (words[-1] in _SECRET or (words[-1] == "key" and bool(_KEYS & set(words[:-1]))))


def check_secret(name: str, value: object, what: str) -> None:
    """Raise BadRequest when a value that its name calls secret is given in clear: it would be kept in the database and in executed notebooks.

    what: how the message calls it; the value is not repeated.
    """
    if value is None or isinstance(value, bool) or value == "" or not is_named_like_secret(name):
        return
    if not (isinstance(value, str) and is_reference(value)):
        raise BadRequest(
            f"{what} would be kept in clear.",
            "Its name says that it is a secret, and what a job is given is kept in the state, parameters also in executed notebooks.",
            f"Give a reference (env:{name.upper()} or keyring:SERVICE/NAME), or another name if it is none.",
        )


def redacted(text: str, values: Iterable[str]) -> str:
    """The text with each of the secret values replaced; values below 4 characters would blot out half of it and stay."""
    for value in values:
        if len(value) >= 4:
            text = text.replace(value, "[secret]")
    return text
