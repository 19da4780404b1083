"""The form of a key: `mlk_ID_SECRET`, with 256 random bits in SECRET.

Only its SHA-256 is stored. Nobody can guess 256 random bits, so the hash needs no salt and no
rounds, unlike that of a password, and is cheap enough for every request.
"""

from __future__ import annotations

import hashlib
import secrets
import string

_ALPHABET = string.ascii_lowercase + string.digits


def new_key() -> tuple[str, str]:
    """The id and the whole of a new key."""
    id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return id, f"mlk_{id}_{secrets.token_urlsafe(32)}"


def digest(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()
