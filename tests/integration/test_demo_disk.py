"""`make demo` where its state cannot be written: what a user reads is a sentence with a way out,
never a traceback.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHORT = (
    "import runpy, jupyter_mlinfra.pipelines.engine as engine; engine._PATIENCE_SECONDS = 1.0;"
    " runpy.run_path('run_demo.py', run_name='__main__')"
)
"""The demo, with a shorter wait for room on the disk."""


@pytest.fixture
def run_demo(project: Project) -> Callable[[], list[str]]:
    """Runs the demo in the test's project, where it has to fail; its lines on standard error."""
    hidden = shutil.ignore_patterns(".mlinfra", "data", "__pycache__", ".ipynb_checkpoints")
    shutil.copytree(NOTEBOOKS, project.root, ignore=hidden, dirs_exist_ok=True)

    def run() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", SHORT],
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()

    return run


def look(lines: list[str], *, fix: str) -> None:
    """Three lines: what, why, fix."""
    assert [line.strip().partition(": ")[0] for line in lines] == ["error", "why", "fix"], lines
    assert all(line.partition(": ")[2] for line in lines)
    assert fix in lines[2].lower()


@pytest.mark.parametrize("used", [False, True], ids=["empty", "used before"])
def test_a_read_only_state_folder_is_named(
    used: bool, small_disk: Any, run_demo: Callable[[], list[str]], project: Project
) -> None:
    disk = small_disk(4)
    if used:
        (project.home / "demo.lock").touch()
        subprocess.run(
            [
                sys.executable,
                "-c",
                (
                    "from jupyter_mlinfra.core.project import"
                    " Project\nProject.open().events.emit('job', 'job:1')"
                ),
            ],
            check=True,
        )
    disk.lock()
    look(run_demo(), fix="writ")


def test_a_full_disk_is_named(small_disk: Any, run_demo: Callable[[], list[str]]) -> None:
    disk = small_disk(4)
    disk.fill()
    look(run_demo(), fix="space")


def test_a_disk_that_has_room_for_a_run_but_not_for_its_code_ends_the_run_as_failed(
    small_disk: Any, run_demo: Callable[[], list[str]], project: Project
) -> None:
    small_disk(4)
    # Goes into the code snapshot of every job.
    (project.root / "large.py").write_bytes(b"#" * 8_000_000)
    lines = run_demo()
    look(lines, fix="make demo again")
    assert "full" in lines[1]
    from jupyter_mlinfra.workbench import Workbench

    bench = Workbench.open(project.root)
    assert [run.state for run in bench.pipelines.runs("flights").items] == ["failed"]
    assert bench.down() == {"supervisor": None, "deployments": []}
    bench.project.database.close()
