"""What would be other if a version were deployed: it beside the one that is live."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, Unavailable, Unprocessable
from ..core.files import real_path
from ..experiments import Difference
from ..notebooks.parameters import read_notebook
from ..notebooks.plain import plain
from .text_difference import TooSlow, text_difference

if TYPE_CHECKING:
    from ..experiments import Run
    from ..jobs import SnapshotFiles

MOST_LINES, SECONDS = 5_000, 10
"""Lines of a diff that are shown, and the time that it may take."""
MOST_BYTES, MOST_NOTEBOOK_BYTES = 1_000_000, 10_000_000
"""The size of a file that is compared as text, and of a notebook with its outputs."""

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
    if run.notebook:
        notes += _edited(run.notebook, name, after, root)
    own = {run.notebook for _, run in runs if run}
    paths = sorted(before.changed(after), key=lambda path: path not in own)
    lines, left_out = _differences(paths, before, after)
    return "\n".join(lines), [*notes, *left_out]


def _differences(
    paths: Sequence[str], before: SnapshotFiles, after: SnapshotFiles
) -> tuple[list[str], list[str]]:
    """Of one file after the other, at most MOST_LINES and within SECONDS; and what is left out."""
    lines, until = list[str](), time.monotonic() + SECONDS
    for done, path in enumerate(paths):
        rest = f"{len(paths) - done:,} of {len(paths):,} changed files are not compared"
        try:
            lines += _difference(path, before, after, until - time.monotonic())
        except TooSlow:
            return lines, [f"{rest}: it took over {SECONDS} s."]
        except Unavailable as error:
            heads = [_head(path) for path in paths[done:]][: MOST_LINES - len(lines)]
            return [*lines, *heads], [f"{rest}. {error.what} {error.why}"]
        if len(lines) > MOST_LINES:
            of = f"{done + 1:,} of {len(paths):,} changed files"
            notes = [f"The first {MOST_LINES:,} lines of the code are shown, of {of}."]
            return lines[:MOST_LINES], notes
    return lines, []


def _difference(
    path: str, before: SnapshotFiles, after: SnapshotFiles, seconds: float
) -> list[str]:
    """Of one file, with git's line above; nothing if only outputs of a notebook differ."""
    if seconds <= 0:
        raise TooSlow("The comparison was stopped.")
    try:
        old, new = _text(path, before), _text(path, after)
    except Unprocessable as error:
        return [_head(path), error.what]
    with TemporaryDirectory(prefix="mlinfra-") as folder:
        lines = text_difference(old, new, Path(folder), seconds=seconds)
    return [_head(path), f"--- a/{path}", f"+++ b/{path}", *lines] if lines else []


def _head(path: str) -> str:
    return f"diff --git a/{path} b/{path}"


def _text(path: str, files: SnapshotFiles) -> str:
    """A file as it is compared, empty where there is none. Raises Unprocessable if it is too large
    or no text.
    """
    if path not in files:
        return ""
    notebook = path.endswith(".ipynb")
    if files.size(path) > (MOST_NOTEBOOK_BYTES if notebook else MOST_BYTES):
        raise _too_large(notebook)
    body = files.read(path)
    try:
        text = plain(json.loads(body)) if notebook else body.decode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = "Its content is no notebook." if notebook else "Its content is no text."
        raise Unprocessable(what) from error
    if len(text) > MOST_BYTES:
        raise _too_large(False)
    return text


def _too_large(notebook: bool) -> Unprocessable:
    most = MOST_NOTEBOOK_BYTES if notebook else MOST_BYTES
    return Unprocessable(f"It is not compared: it is larger than {most / 1e6:g} MB.")


def _edited(notebook: str, name: str, kept: SnapshotFiles, root: Path) -> list[str]:
    """What is to be said if a notebook of the project says something else than when it was run;
    nothing if it is not there any more.
    """
    try:
        path = real_path(root / notebook)
        if not path.is_relative_to(root.resolve()):
            return []
        made = _text(notebook, kept)
        if path.stat().st_size > MOST_NOTEBOOK_BYTES:
            most = f"it is larger than {MOST_NOTEBOOK_BYTES / 1e6:g} MB"
            return [f"Whether {notebook} has been changed since it made {name} is unknown: {most}."]
        if plain(read_notebook(path, notebook)) == made:
            return []
    except (MLInfraError, OSError, ValueError):
        return []
    return [f"{notebook} has been changed since it made {name}; what it says now is not in it."]
