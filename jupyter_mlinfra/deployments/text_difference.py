"""How two texts differ, by git: it is as fast for large texts, and can be stopped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..core.errors import Unavailable


class TooSlow(Unavailable):
    """A comparison was stopped, because its time was over."""


def text_difference(old: str, new: str, folder: Path, *, seconds: float) -> list[str]:
    """The hunks of a unified diff with 2 lines around, without its head; nothing if the lines are
    the same. folder: an empty one, for the two texts.

    Neither the configuration of the user nor that of a repository has an effect. Raises TooSlow
    after `seconds`, Unavailable if there is no git that compares files.
    """
    for name, text in (("old", old), ("new", new)):
        body = "".join(f"{line}\n" for line in text.splitlines())
        (folder / name).write_text(body, encoding="utf-8", errors="backslashreplace")
    diff = ("diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--text")
    command = ["git", "--no-pager", *diff, "--unified=2", "--", "old", "new"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(seconds, 0),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TooSlow("The comparison was stopped.", "It took too long.") from error
    except OSError as error:
        raise Unavailable("git cannot be started.", f"{error.strerror}.", "Install git.") from error
    if done.returncode not in (0, 1):
        said = " ".join(done.stderr.decode(errors="replace").split())[:200]
        raise Unavailable("git cannot compare files.", f"It said: {said}.", "Install a newer git.")
    lines = done.stdout.decode().split("\n")[:-1]
    first = next((place for place, line in enumerate(lines) if line.startswith("@@")), len(lines))
    return lines[first:]


def _environment(folder: Path) -> dict[str, str]:
    """Without the user's settings, and no repository above the folder is looked for."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent),
    }
