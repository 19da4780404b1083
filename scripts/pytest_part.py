"""One part of the tests; and, when all parts are through, what failed in them once more, alone.

    python scripts/pytest_part.py FOLDER first NAME [ARGUMENT OF pytest]…
    python scripts/pytest_part.py FOLDER again

A machine that hiccups shall not sink a run, and a fault shall not be hidden: a test that fails
again fails the run; one that passes the second time is named in FOLDER/unsteady, and its first
failure stays in the log. With more than ten failures in a part something else is wrong, and nothing
of it runs again. FOLDER keeps what the second run needs to know.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MOST = 10
TESTS_FAILED = 1  # pytest's exit code; those above say that it broke off
DEMO, KEEP = "MLINFRA_TEST_DEMO", "MLINFRA_KEEP_DEMO"  # see tests/conftest.py
ALONE = ("-n", "0", "--dist", "no", "--last-failed", "--last-failed-no-failures", "none")


def run(part: Path, arguments: Sequence[str], demo: str) -> tuple[int, set[str]]:
    """pytest's exit code, and the tests of the part that have failed by now."""
    command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={part}", *arguments]
    environment = {**os.environ, **({DEMO: demo} if demo else {})}
    code = subprocess.run(command, env=environment, check=False).returncode
    failed = part / "v" / "cache" / "lastfailed"
    return code, set(json.loads(failed.read_text())) if failed.exists() else set()


def first(part: Path, arguments: Sequence[str]) -> int:
    """Run a part. 0 also where the second run has the last word."""
    demo = os.environ.get(DEMO, "")
    code, failed = run(part, arguments, demo)
    if code != TESTS_FAILED or not 0 < len(failed) <= MOST:
        return code
    sys.stdout.write(f"\n{len(failed)} failed; they run once more when all parts are through.\n")
    pending = {"arguments": list(arguments), "demo": demo, "failed": sorted(failed)}
    (part / "pending.json").write_text(json.dumps(pending))
    return 0


def again(folder: Path) -> int:
    """Run what failed once more, one test at a time; a demo that was made for it is made anew."""
    os.environ.pop(KEEP, None)
    worst = 0
    for path in sorted(folder.glob("*/pending.json")):
        pending = json.loads(path.read_text())
        code, failed = run(path.parent, [*pending["arguments"], *ALONE], pending["demo"])
        worst = max(worst, code, TESTS_FAILED if failed else 0)
        with (folder / "unsteady").open("a") as file:
            file.writelines(f"{name}\n" for name in pending["failed"] if name not in failed)
    return worst


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.exit(again(place) if sys.argv[2] == "again" else first(place / sys.argv[3], sys.argv[4:]))
