"""Tell whoever watches a job how far it is.

The protocol is a file, so that a job in any language can speak it and nothing of ours has to be imported: MLINFRA_PROGRESS names
it; it holds `{"fraction": 0.5, "text": "round 300"}` and is replaced whole. In a notebook job the name is that of a file of the
cell under way: the runner counts the cells, and adds to them what the cell says of itself.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..core.errors import BadRequest

VARIABLE = "MLINFRA_PROGRESS"


def report(fraction: float | None, text: str = "") -> None:
    """Say that `fraction` (0 to 1, None when unknown) of the work is done; outside of a job nothing happens."""
    if fraction is not None and not 0 <= fraction <= 1:
        raise BadRequest(f"fraction={fraction} is out of range.", fix="Use 0 to 1, or None when it is not known.")
    target = os.environ.get(VARIABLE)
    if not target:
        return
    path = Path(target)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps({"fraction": None if fraction is None else round(fraction, 4), "text": text}))
        draft.replace(path)  # not synced: it is worth nothing after a crash
    except OSError:  # a full disk must not end a training of hours for the sake of its progress bar
        draft.unlink(missing_ok=True)
