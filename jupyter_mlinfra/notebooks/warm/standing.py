"""What a warm kernel was made from, and whether it can still serve a notebook."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a runner reports once it is ready. gpu: whether a GPU job may use it. places: paths and
    times of what it was made from. modules: names of the loaded top-level modules.
    """

    gpu: bool
    places: Mapping[str, int]
    modules: Sequence[str] = ()

    def fresh(self) -> bool:
        """Whether nothing has changed: no package was installed or removed, no kernel defined."""
        return all(changed_at(place) == moment for place, moment in self.places.items())

    def stands_for(self, folders: Iterable[str]) -> bool:
        """Whether nothing in these folders would be imported in place of a loaded module. Raises
        OSError when a folder cannot be read.
        """
        return not any(_has_one_of(folder, set(self.modules)) for folder in folders)


def _has_one_of(folder: str, modules: Collection[str]) -> bool:
    """Whether the folder has a module or package with one of these names."""
    with os.scandir(folder) as entries:
        named = [entry for entry in entries if entry.name.partition(".")[0] in modules]
    return any(
        entry.name.endswith((".py", ".pyc", ".so"))
        or os.path.exists(os.path.join(entry.path, "__init__.py"))
        for entry in named
    )


def changed_at(place: str) -> int:
    """When a file or a folder's list changed, in nanoseconds; 0 when it does not exist."""
    try:
        return os.stat(place).st_mtime_ns
    except OSError:
        return 0
