"""Ids of requests: random, as `uuid.uuid4`.

That asks the system for each id, and lets the interpreter go meanwhile: under load a twentieth of
the processor time of a request. Here the system is asked once for many.
"""

from __future__ import annotations

import os
from collections import deque

_MANY = 256
_random: deque[bytes] = deque()
# A copy of this process would give the same ids.
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> str:
    """A random UUID (version 4), as RFC 9562 writes it."""
    while True:
        try:
            text = _random.popleft().hex()
        except IndexError:
            block = os.urandom(16 * _MANY)
            _random.extend(block[at : at + 16] for at in range(0, len(block), 16))
            continue
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
