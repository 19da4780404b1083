"""Whether bundles are still what was packaged, found out beside the keeper's loop: of a large model
that takes minutes, in which other deployments need the keeper.
"""

from __future__ import annotations

import threading
from pathlib import Path

from ..packaging import damage

WAIT_SECONDS = 0.5
"""So long the keeper waits itself: most bundles are checked by then."""

Prints = dict[str, tuple[int, ...]]


class _Check:
    def __init__(self, bundle: Path) -> None:
        self.prints, self.damage = _prints(bundle), f"Bundle {bundle.name} could not be checked."
        self.thread = threading.Thread(target=self._run, args=(bundle,), daemon=True)
        self.thread.start()
        self.thread.join(WAIT_SECONDS)

    def _run(self, bundle: Path) -> None:
        self.damage = damage(bundle)


class BundleChecks:
    """Of one keeper. A bundle that was intact is read again only if one of its files has changed
    since.
    """

    def __init__(self) -> None:
        self._running: dict[Path, _Check] = {}
        self._intact: dict[Path, Prints] = {}

    def damage(self, bundle: Path) -> str | None:
        """What is wrong with it, empty for nothing; None while that is being found out."""
        if bundle not in self._running:
            if self._intact.get(bundle) == _prints(bundle):
                return ""
            self._running[bundle] = _Check(bundle)
        check = self._running[bundle]
        if check.thread.is_alive():
            return None
        del self._running[bundle]
        self._intact.pop(bundle, None)
        if not check.damage:
            self._intact[bundle] = check.prints
        return check.damage


def _prints(bundle: Path) -> Prints:
    """What changes with the files of a bundle: nobody can set the time of a change of an inode."""
    found: Prints = {}
    for path in (bundle, *bundle.rglob("*")):
        try:
            state = path.lstat()
        except OSError:
            continue  # `damage` says so
        found[str(path)] = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    return found
