"""What the text file of a LightGBM model says, without LightGBM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def pandas_categories(file: Path) -> list[list[Any]]:
    """The categories of each categorical column of the frame it was trained with, from the end of
    the file. Raises OSError.
    """
    _, mark, text = file.read_text(errors="replace").rpartition("\npandas_categorical:")
    try:
        found = json.loads(text.partition("\n")[0]) if mark else None
    except ValueError:
        return []
    return found if isinstance(found, list) else []
