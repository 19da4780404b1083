"""Files and folders in `snapshots/`: those that can be recreated are replaced in one step and not
forced to disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

_LITTER_SECONDS = 86_400.0
"""Older drafts are leftovers of killed processes."""


def read_mapping(path: Path) -> dict[str, Any]:
    """What `replace_file` wrote; empty if that is torn or gone."""
    with contextlib.suppress(OSError, ValueError):
        value = json.loads(path.read_bytes())
        if isinstance(value, dict):
            return value
    return {}


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file that can be recreated or missed, and is therefore not forced to disk."""
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    os.replace(draft, path)


def entries(folder: Path) -> list[Path]:
    """What is in a folder, apart from drafts; nothing if it does not exist."""
    return (
        [path for path in folder.iterdir() if not path.name.startswith(".")]
        if folder.is_dir()
        else []
    )


def remove_tree(tree: Path) -> None:
    """Remove a folder, as far as possible."""
    shutil.rmtree(tree, ignore_errors=True)


def remove_litter(*folders: Path) -> None:
    """Remove old drafts of killed processes."""
    for draft in (path for folder in folders for path in folder.glob(".*")):
        with contextlib.suppress(OSError):
            if draft.lstat().st_mtime < time.time() - _LITTER_SECONDS:
                remove_tree(draft) if draft.is_dir() else draft.unlink()


def beating[T](items: Iterable[T], beat: Callable[[], object]) -> Iterator[T]:
    """The same items, with a heartbeat before each."""
    for item in items:
        beat()
        yield item
