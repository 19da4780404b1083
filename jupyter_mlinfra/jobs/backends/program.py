"""Finding the program that a command names, on the machine where it runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass


@dataclass(eq=False)
class CannotStart(Exception):
    """The job can never be started like this. code: a shell's exit code for it, None if there is no
    such convention.
    """

    reason: str
    code: int | None = None


def find_program(program: str, shown: str, folder: str, path: str) -> str:
    """The program's absolute path, so that no shell can take its name for a keyword of its own.

    shown: as the user wrote it. path: of the job's environment. Raises CannotStart with a shell's
    exit code.
    """
    if os.sep in program:
        found = os.path.join(folder, program)
        if not os.path.exists(found):
            raise CannotStart(f"There is no program {shown} in {folder}.", 127)
        if not os.access(found, os.X_OK) or os.path.isdir(found):
            raise CannotStart(f"{shown} cannot be run: chmod +x {shown}", 126)
        return found
    # An empty or relative part of PATH means the folder that the job runs in, not that of the
    # starting process.
    where = os.pathsep.join(os.path.join(folder, part) for part in path.split(os.pathsep))
    found_there = shutil.which(program, path=where)
    if found_there is None:
        raise CannotStart(f"There is no program {shown} in its PATH.", 127)
    return found_there
