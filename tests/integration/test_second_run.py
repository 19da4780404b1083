"""What failed in `make test` runs once more, alone: it cannot be hidden, and a machine that hiccups
does not sink the run. The scripts are the project's own, on made-up tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
STEADY = "def test_steady():\n    pass\n"
FAILING = "def test_failing():\n    assert 1 == 2\n"
UNSTEADY = """
import pathlib
import pytest

def first_time(name):
    seen = pathlib.Path(name.replace("/", "-"))
    if not seen.exists():
        seen.touch()
        return True

@pytest.mark.parametrize("name", ["a b", "é/x"])
def test_unsteady(name):
    assert not first_time(name), "the first time"

@pytest.fixture
def ready():
    if first_time("ready"):
        raise OSError("not ready yet")

def test_set_up(ready):
    pass
"""
PARTS = ("core/test_core.py", "integration/test_demo.py")
LOOKS = ("integration/test_training_set.py", "browser/test_page.py")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which all passes."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist")
    for name in [name for name in os.environ if name.startswith(("PYTEST_XDIST", "MLINFRA_"))]:
        monkeypatch.delenv(name)
    for name in PARTS + LOOKS:
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STEADY)
    programs = {
        "bin/python": f'exec "{sys.executable}" "$@"',
        "bin/lint-imports": "",
        "scripts/frontend.sh": 'shift; echo "front end: $*"',
    }
    for name, text in programs.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    for name in ("test.sh", "pytest_part.py"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts" / name)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q --import-mode=importlib\n")
    return tmp_path


def make_test(checkout: Path) -> tuple[int, list[str]]:
    """The exit code and the lines of the log."""
    done = subprocess.run(
        [checkout / "scripts" / "test.sh", checkout / "bin"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    return done.returncode, done.stdout.splitlines()


def test_a_run_that_passes_runs_every_part_once(checkout: Path) -> None:
    code, log = make_test(checkout)
    assert (code, log[-1]) == (0, "All parts passed."), log
    assert sum(int(line.split()[0]) for line in log if " passed in " in line) == 4
    assert [line for line in log if line.startswith("front end:")] == [
        "front end: jlpm test",
        "front end: jlpm size",
    ]
    assert not [line for line in log if "once more" in line or "unsteady" in line]


def test_what_passes_the_second_time_is_listed_at_the_end_and_its_failure_stays_in_the_log(
    checkout: Path,
) -> None:
    (checkout / "tests/core/test_unsteady.py").write_text(UNSTEADY)
    code, log = make_test(checkout)
    assert (code, log[-1]) == (0, "All parts passed."), log
    assert log[-5] == (
        "\x1b[1munsteady: passed only the second time; see its failure above, and fix it\x1b[0m"
    )
    assert [line.partition("tests/core/")[2].partition("[")[0] for line in log[-4:-1]] == [
        "test_unsteady.py::test_set_up\x1b",
        "test_unsteady.py::test_unsteady",
        "test_unsteady.py::test_unsteady",
    ]
    assert sum("AssertionError: the first time" in line for line in log) >= 2
    assert sum(line.startswith("3 passed in") for line in log) == 1, "the steady one ran once"


def test_what_fails_again_fails_the_run_and_so_does_a_test_that_ends_its_process(
    checkout: Path,
) -> None:
    (checkout / "tests/core/test_failing.py").write_text(FAILING)
    (checkout / "tests/core/test_unsteady.py").write_text(UNSTEADY)
    (checkout / "tests/browser/test_dies.py").write_text(
        "import os\ndef test_dies():\n    os._exit(3)\n"
    )
    code, log = make_test(checkout)
    assert code == 1
    assert log[-1] == "FAILED: what failed, once more;"
    assert sum("unsteady.py" in line for line in log[-4:-1]) == 3


def test_a_part_with_many_failures_is_not_repeated(checkout: Path, tmp_path: Path) -> None:
    (checkout / "tests/core/test_broken.py").write_text(
        "".join(f"def test_{n}():\n    assert not {n}\n" for n in range(1, 12))
    )
    command = [sys.executable, "scripts/pytest_part.py", tmp_path / "work", "first", "python"]
    done = subprocess.run([*command, "tests/core"], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 1
    assert "once more" not in done.stdout
    assert not (tmp_path / "work" / "python" / "pending.json").exists()
