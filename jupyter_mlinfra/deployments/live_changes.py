"""What would be other if a version were deployed: it beside the one that is live."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.files import real_path
from ..experiments import Difference
from ..notebooks.parameters import read_notebook
from ..notebooks.plain import plain

if TYPE_CHECKING:
    from ..experiments import Run
    from ..jobs import SnapshotFiles

MOST_LINES, MOST_BYTES = 5_000, 1_000_000
"""Lines of a diff that are shown, and the size of a file that is compared as text."""

UNSEEN_CODE = (
    "The code is not compared: the Jupyter server does not allow you to read jobs and files."
)

type Kept = Callable[[str], SnapshotFiles]
"""The files that a job ran from. Raises NotFound if they are not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveComparison:
    """A version beside the one that is live in a deployment: that with most of its traffic.

    version, live: such as `flights/2`. traffic: percent of the live one. rows: metrics, parameters,
    datasets, code, signature, environment, with the value of the live one and of the other;
    those that differ come first. code: how the files of the project differ, as git writes it.
    notes: what is not compared and why, and whether the notebook was changed since.
    """

    deployment: str
    version: str
    live: str
    traffic: int
    rows: Sequence[Difference]
    code: str
    notes: Sequence[str]


def code_changes(
    runs: Sequence[tuple[str, Run | None]], kept: Kept, root: Path
) -> tuple[str, list[str]]:
    """How the code of two runs differs, the notebooks that were run first; and what is to be said
    of it. runs: with the name of what each has made. root: of the project.
    """
    snapshots, notes = [], list[str]()
    for name, run in runs:
        try:
            if run is None or run.job is None:
                notes.append(f"No code of {name} is kept: no job made it.")
            else:
                snapshots.append(kept(run.job))
        except MLInfraError as error:
            notes.append(f"The code of {name} is not compared. {error.what} {error.why}")
    name, run = runs[-1]
    if run is None or len(snapshots) < len(runs):
        return "", notes
    before, after = snapshots
    if run.notebook and _edited(run.notebook, after, root):
        notes.append(
            f"{run.notebook} has been changed since it made {name}; what it says now is not in it."
        )
    own = {run.notebook for _, run in runs if run}
    paths = sorted(before.changed(after), key=lambda path: path not in own)
    lines = [line for path in paths for line in _difference(path, before, after)]
    if len(lines) > MOST_LINES:
        notes.append(f"The first {MOST_LINES:,} of {len(lines):,} lines of the code are shown.")
    return "\n".join(lines[:MOST_LINES]), notes


def _difference(path: str, before: SnapshotFiles, after: SnapshotFiles) -> list[str]:
    """Of one file, with git's line above; nothing if only outputs of a notebook differ."""
    head = f"diff --git a/{path} b/{path}"
    texts = [_text(path, files) for files in (before, after)]
    if None in texts:
        return [head, "Its content is too large or no text."]
    old, new = ((text or "").splitlines() for text in texts)
    lines = [*unified_diff(old, new, f"a/{path}", f"b/{path}", n=2, lineterm="")]
    return [head, *lines] if lines else []


def _text(path: str, files: SnapshotFiles) -> str | None:
    """A file as it is compared, empty where there is none; None if it is no text."""
    if path not in files:
        return ""
    body = files.read(path)
    try:
        if path.endswith(".ipynb"):
            return plain(json.loads(body))
        return body.decode() if len(body) <= MOST_BYTES else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _edited(notebook: str, kept: SnapshotFiles, root: Path) -> bool:
    """Whether a notebook of the project says something else than when it was run; False if it is
    not there any more.
    """
    try:
        path = real_path(root / notebook)
        if not path.is_relative_to(root.resolve()):
            return False
        return plain(read_notebook(path, notebook)) != _text(notebook, kept)
    except (MLInfraError, OSError, ValueError):
        return False
