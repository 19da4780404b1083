"""The environment that a step runs in: the interpreter and installed distributions of its kernel.
Cheap: folders are listed, nothing is imported.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .interpreter import interpreter_of


@dataclass(frozen=True, slots=True)
class Environment:
    """What could change a result. packages: distribution → version. kernel: name of the kernel."""

    kernel: str
    python: str
    packages: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One short text for all of it."""
        return sha256(
            json.dumps([self.python, sorted(self.packages.items())]).encode()
        ).hexdigest()[:16]


def environment_of(kernel: str) -> Environment:
    """The environment of a kernel by its name: what its own interpreter would import.

    Raises Unavailable if that interpreter does not answer. For a kernel that is unknown here no
    packages are known; those of this process do not matter.
    """
    found = interpreter_of(kernel)
    return Environment(kernel, found.version, _packages(found.paths))


def _packages(folders: Iterable[Path]) -> dict[str, str]:
    """Of a distribution in several folders, the first is imported. Names are normalized, because
    installers spell folders differently.
    """
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in sorted(names):
            distribution, _, version = _distribution(name)
            if version:
                found.setdefault(canonicalize_name(distribution), version)
    return found


def _distribution(name: str) -> tuple[str, str, str]:
    """Name, dash, version of an installed distribution; an `.egg-info` of Debian may end with the
    Python version.
    """
    if name.endswith(".dist-info"):
        return name.removesuffix(".dist-info").rpartition("-")
    return (
        re.sub(r"-py[\d.]+\Z", "", name.removesuffix(".egg-info")).rpartition("-")
        if name.endswith(".egg-info")
        else ("", "", "")
    )
