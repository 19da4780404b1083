"""Folders for rows that wait: none stays, whatever ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_mlinfra.catalog.scratch import waiting_folder

_WAITS = """
import sys
from pathlib import Path
from jupyter_mlinfra.catalog.scratch import waiting_folder
with waiting_folder(Path(sys.argv[1])) as folder:
    (folder / "rows").write_text("many")
    print("waits", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_deleted_and_what_a_live_one_has_is_not(
    tmp_path: Path,
) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WAITS, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
    killed, alive = processes
    killed.kill()
    killed.wait()
    assert len(list(tmp_path.glob("*/rows"))) == 2
    with waiting_folder(tmp_path) as folder:
        assert not list(folder.iterdir())
        assert len(list(tmp_path.glob("*/rows"))) == 1
    alive.communicate("", timeout=120)
    assert not list(tmp_path.iterdir())


def test_what_this_user_may_not_touch_does_not_stop_others(tmp_path: Path) -> None:
    other = tmp_path / "a.lock"
    other.touch(mode=0)
    (tmp_path / "b.lock").mkdir()  # root may not open it as a file either
    with waiting_folder(tmp_path) as folder:
        assert not list(folder.iterdir())
    assert (tmp_path / "b.lock").exists()
