"""Secrets by reference: `env:NAME` or `keyring:SERVICE/NAME`; the value never enters a file, a log or a notebook."""

from __future__ import annotations

import os

from .errors import BadRequest, NotFound, Unavailable


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
