"""What an import brings along that nobody here asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*optional: str) -> Iterator[None]:
    """Within, these modules cannot be imported, as if they were not installed. One that is loaded already stays.

    For a library that does without them and takes long to load with them.
    """
    absent = [name for name in optional if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is the documented way to make an import fail
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)
