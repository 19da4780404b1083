"""The environment that a step runs in: the interpreter and the installed distributions of its kernel. Cheap: one folder listing."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Environment:
    """What could change a result. packages: distribution → version. kernel: name of the kernel that it belongs to."""

    kernel: str
    python: str
    packages: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One short text for all of it."""
        return sha256(json.dumps([self.python, sorted(self.packages.items())]).encode()).hexdigest()[:16]


def environment_of(kernel: str) -> Environment:
    """The environment of a kernel by its name.

    A kernel whose interpreter lies in another environment is looked up there; any other runs on this very interpreter.
    """
    prefix = _foreign_prefix(kernel)
    if prefix is None:
        paths = sysconfig.get_paths()
        return Environment(kernel, ".".join(str(part) for part in sys.version_info[:3]), _packages({paths["purelib"], paths["platlib"]}))
    folders = sorted(prefix.glob("lib/python*/site-packages"))
    return Environment(kernel, folders[0].parent.name.removeprefix("python") if folders else str(prefix), _packages(str(folder) for folder in folders))


def _packages(folders: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in sorted(folders):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                distribution, _, version = name.removesuffix(".dist-info").rpartition("-")
                found[distribution.lower().replace("_", "-")] = version
    return found


def _foreign_prefix(kernel: str) -> Path | None:
    """The environment that a kernel's interpreter lies in, when that is not this one."""
    program = _program(kernel)
    if program is None or not os.path.isabs(program):
        return None  # `python`: ipykernel puts the interpreter of the running process in its place
    prefix = Path(program).parent.parent
    return None if os.path.realpath(prefix) == os.path.realpath(sys.prefix) else prefix


def _program(kernel: str) -> str | None:
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("kernels"):
        try:
            spec = json.loads((Path(folder) / kernel / "kernel.json").read_bytes())
            return str(spec["argv"][0])
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            continue
    return None
