"""Fixtures that every test folder shares."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from searches import examples

from jupyter_mlinfra.core.project import Project

REPOSITORY = Path(__file__).parents[1]
# Children would compile the same libraries again and again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# As in jobs: tests that run beside each other train models too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Those of the test *latency* alone: 10,000 at each deploy take longer than most tests.
os.environ.setdefault("MLINFRA_DEPLOYMENTS_MEMORY_REQUESTS", "1000")
os.environ.setdefault("MLINFRA_DEPLOYMENTS_MEMORY_SECONDS", "0.2")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make ray` asks for the real one."""
    parser.addoption(
        "--real-ray",
        action="store_true",
        help="run the cases of the Ray backend on a real Ray head instead of the fake",
    )


# A test that is slow once, on a busy machine, is no fault.
settings.register_profile("any machine", deadline=None, max_examples=examples(50))
settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is collected stays to the end: a million objects that need not be looked through again
    and again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, that with most of them before the others: none is the last,
    for which all who run tests beside it would wait.
    """
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """What a test, or a runtime that it loads here, sets in the environment ends with it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A fresh project with an almost empty `mlinfra.toml`, which keeps no kernel warm; the working
    directory is its root.
    """
    root = tmp_path / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text('[project]\nname = "test"\n[jobs]\nwarm_kernels = 0\n')
    for name in [name for name in os.environ if name.startswith("MLINFRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLINFRA_USER", "ana")
    monkeypatch.chdir(root)
    project = Project.open(root)
    yield project
    if "database" in vars(project):  # a test that plays another machine opens none
        project.database.close()


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own that a test may fill."""

    path: Path

    def fill(self) -> None:
        """Leave no room for a single page."""
        with (self.path / "filling").open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self) -> None:
        """Have room again."""
        (self.path / "filling").unlink()

    def lock(self) -> None:
        """Allow nobody to write, not even root."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)


@pytest.fixture
def small_disk(project: Project) -> Iterator[Callable[[int], SmallDisk]]:
    """Puts the project's state folder on a disk of so many MiB."""
    home = project.root / ".mlinfra"

    def mount(mib: int) -> SmallDisk:
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=700", "tmpfs", str(home)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"needs the right to mount, as root has it: {done.stderr.strip()}")
        return SmallDisk(home)

    yield mount
    project.database.close()
    if home.is_mount():
        subprocess.run(["umount", "--lazy", str(home)], check=True)


@dataclass(frozen=True)
class Answer:
    """What the command line said. value: the one JSON value on its standard output."""

    code: int
    value: Any
    stderr: str


@dataclass(frozen=True)
class Demo:
    """The flights project after its main job, on a copy of `notebooks/`."""

    root: Path
    output: str
    second: subprocess.CompletedProcess[str] | None
    """A demo that was started while this one ran."""

    def mlinfra(self, *words: str, timeout: float = 120) -> Answer:
        """Run `mlinfra … --json` in the project, as a script would."""
        command = [sys.executable, "-m", "jupyter_mlinfra.cli", words[0], *words[1:]]
        at = command.index("--") if "--" in command else len(command)
        command.insert(at, "--json")
        done = subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, timeout=timeout
        )
        return Answer(done.returncode, json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demo once for all tests that look at its result; everything that it started is
    stopped at the end.

    With `MLINFRA_TEST_DEMO=FOLDER` in the environment that finished project is looked at instead,
    and left running; with `MLINFRA_KEEP_DEMO=FOLDER` it is made there, and left running for those
    who come after.
    """
    if finished := os.environ.get("MLINFRA_TEST_DEMO"):
        yield Demo(Path(finished).resolve(), "", None)
        return
    kept = os.environ.get("MLINFRA_KEEP_DEMO")
    root = Path(kept).resolve() if kept else tmp_path_factory.mktemp("demo") / "notebooks"
    shutil.copytree(
        REPOSITORY / "notebooks",
        root,
        ignore=shutil.ignore_patterns(
            ".mlinfra", "data", "__pycache__", ".ipynb_checkpoints", "sample.json"
        ),
    )
    command = [sys.executable, "run_demo.py"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        assert running.stdout
        first = running.stdout.readline()  # told when it has begun
        second = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
        output = first + running.communicate(timeout=1800)[0]
    assert running.returncode == 0, output
    result = Demo(root, output, second)
    yield result
    if not kept:
        result.mlinfra("down")
