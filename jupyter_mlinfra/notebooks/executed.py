"""Executed notebooks of jobs and pipelines, in the project's state."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import NotFound
from ..core.files import real_path
from ..core.records import now, to_json
from .parameters import EXPECTED, read_notebook, tags_of, written_at
from .spec import ExecutedNotebook

EXECUTED = ("jobs", "runs")
"""Folders of the project's state that contain them."""


def read_executed(
    root: Path, home: Path, path: str, *, since: str | None
) -> ExecutedNotebook | None:
    """See `Jobs.executed`. root, home: of the project."""
    home = home.resolve()
    try:
        found = real_path(root / path)
    except (OSError, ValueError):  # a loop of links, a name that is too long, a NUL byte
        found = home
    if found.suffix != ".ipynb" or not any(
        found.is_relative_to(home / place) for place in EXECUTED
    ):
        raise NotFound(
            f"{path} is not an executed notebook.",
            "Executed notebooks are in the folders of jobs and pipeline runs.",
            "Open it in the file browser.",
        )
    if since is not None and found.exists() and to_json(written_at(found)) == since:
        return None
    modified, content = written_at(found) if found.exists() else now(), read_notebook(found, path)
    unexpected = (
        (number, cell)
        for number, cell in enumerate(content["cells"])
        if EXPECTED not in tags_of(cell)
    )
    failed = (
        number
        for number, cell in unexpected
        if any(out.get("output_type") == "error" for out in cell.get("outputs", ()))
    )
    return ExecutedNotebook(
        path=path, modified_at=modified, content=content, failed_cell=next(failed, None)
    )
