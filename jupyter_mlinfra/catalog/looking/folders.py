"""Where profiles and sketches are kept, and how they are forgotten when a column is masked."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote


def key_of(masked: Collection[str]) -> str:
    """Ends the names of files without the values of these columns; empty without any."""
    return f"-{sha256(repr(sorted(masked)).encode()).hexdigest()[:8]}" if masked else ""


def profiles_in(home: Path, dataset: str) -> Path:
    """The folder of the kept profiles of a dataset."""
    return home / "profiles" / quote(dataset, safe="")


def sketches_in(home: Path, table: object) -> Path:
    """The folder of the kept sketches of a table, by its UUID."""
    return home / "sketches" / str(table)


def forget(folder: Path, *, keep: str | None = None) -> None:
    """Remove the files of a folder whose names do not end so, or all: they may hold values that are
    masked now.
    """
    for path in folder.glob("*"):
        if keep is None or not path.stem.endswith(keep):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
