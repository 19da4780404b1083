"""An index of the request ids in a file of the payload log: a Bloom filter among its facts.

Ids come from callers and say nothing about time, so statistics of row groups exclude no file. A
filter has 10 bits an id: a file without an id is read in vain with a chance of about 1 : 120. It
has the hashes of `hashlib.blake2b`, which stay the same across versions of every library.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BITS = 10
"""Bits of the filter for each id."""

HASHES = 7
"""Of each id: the best number for so many bits."""

IDS = "ids"
"""Name of the filter among the facts of a file."""


def hashes_of(ids: Sequence[str]) -> np.ndarray:
    """64 bits of each id."""
    import numpy as np

    found = b"".join(hashlib.blake2b(item.encode(), digest_size=8).digest() for item in ids)
    return np.frombuffer(found, "<u8")


def index_of(ids: Sequence[str]) -> str:
    """The filter of some ids, as text."""
    import numpy as np

    distinct = sorted(set(ids))
    bits = np.zeros(max(64, -(-BITS * len(distinct) // 8) * 8), bool)
    bits[_places(hashes_of(distinct), len(bits)).ravel()] = True
    return base64.b64encode(np.packbits(bits).tobytes()).decode()


def may_hold_any(index: str, hashes: np.ndarray) -> bool:
    """Whether a file with this filter may hold one of some ids, see `hashes_of`; yes without a
    filter.
    """
    import numpy as np

    if not index:
        return True
    bits = np.unpackbits(np.frombuffer(base64.b64decode(index), np.uint8)).astype(bool)
    return bool(bits[_places(hashes, len(bits))].all(axis=1).any())


def _places(hashes: np.ndarray, bits: int) -> np.ndarray:
    """n rows, one column per hash. Source: Kirsch and Mitzenmacher, Less hashing, same performance
    (2008).
    """
    import numpy as np

    one, other = hashes >> np.uint64(32), hashes & np.uint64(0xFFFFFFFF) | np.uint64(1)
    return np.asarray((one[:, None] + other[:, None] * np.arange(HASHES, dtype=np.uint64)) % bits)
