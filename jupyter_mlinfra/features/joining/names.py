"""What columns are called inside a join: never as the user calls them, for that may be a pattern of
names to Polars.
"""

from __future__ import annotations

from collections.abc import Sized

ROW, SRC, AT, TIME, CREATED = "__row", "__src", "__at", "__time", "__created"
KNOWN, RANK = "__known", "__rank"


def key_names(keys: Sized) -> list[str]:
    """The names of so many keys."""
    return [f"__key{place}" for place in range(len(keys))]
