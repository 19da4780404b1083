"""What the text file of a LightGBM model says, without LightGBM."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_MARK = b"pandas_categorical:"
_BLOCK = 1 << 16


def pandas_categories(file: Path) -> list[list[Any]]:
    """The categories of each categorical column of the frame it was trained with, from the last
    line of the file, whose trees are not read. Raises OSError.
    """
    line = _last_line(file)
    try:
        found = json.loads(line.removeprefix(_MARK)) if line.startswith(_MARK) else None
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _last_line(file: Path) -> bytes:
    """The last line that is not blank."""
    with open(file, "rb") as opened:
        left, tail = opened.seek(0, os.SEEK_END), b""
        while left and b"\n" not in tail:
            step = min(_BLOCK, left)
            left = opened.seek(left - step)
            tail = (opened.read(step) + tail).rstrip()
    return tail.rpartition(b"\n")[2]
