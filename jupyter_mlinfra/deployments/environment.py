"""A serving environment of its own for each set of requirements: built by `uv`, cached by content, shared between projects.

seldon-core 1.19 pins numpy < 2 and protobuf 5.29.5; the overrides below lift those pins, and the tests before traffic prove what was
built. The workbench itself never imports seldon-core.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Conflict, Unavailable
from ..core.files import explain_os_error, file_lock, write_atomic

if TYPE_CHECKING:
    from ..core.settings import Settings

RUNTIME = ("seldon-core>=1.19,<2", "orjson>=3.10")
OVERRIDES = (
    "protobuf>=5",
    "grpcio-reflection>=1.62",
    # xgboost's GPU collectives: 345 MB that a serving process on CPUs never loads. The marker never holds, so they are left out.
    'nvidia-nccl-cu12; sys_platform == "none"',
    'nvidia-nccl-cu13; sys_platform == "none"',
)
NUMPY = "numpy>=2"
BUILD_SECONDS = 900
KEEP_DAYS = 90
_MARKER = "complete.json"
_PINNED = ("numpy", "scipy")


def cache_folder(settings: Settings) -> Path:
    """Where environments are kept: `[deployments] environments`, else the user's cache folder."""
    if settings.deployments.environments:
        return Path(settings.deployments.environments).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "jupyter-mlinfra" / "environments"


def key_of(requirements: Sequence[str]) -> str:
    """Name of the environment: a hash of everything that it is made from."""
    made_from = [sorted(requirements), RUNTIME, OVERRIDES, NUMPY, sys.version, sys.base_prefix, sysconfig.get_platform()]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


def ensure(requirements: Sequence[str], cache: Path, *, on_progress: Callable[[str], None] = lambda _: None) -> Path:
    """The Python of an environment with the serving runtime and `requirements`; built when there is none yet.

    Two builds of the same environment wait for each other; what a killed build left is removed by the next.
    Raises Unavailable when it cannot be built.
    """
    folder = cache / key_of(requirements)
    note_use(_python(folder))
    if _usable(folder):
        return _python(folder)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        on_progress("waiting for the environment's lock")
        with file_lock(cache / f"{folder.name}.lock"):
            if not _usable(folder):
                _build(folder, requirements, on_progress)
        prune(cache)
    except OSError as error:
        raise explain_os_error(error, "The serving environment could not be built.") from error
    return _python(folder)


def note_use(python: Path) -> None:
    """Note that an environment is in use now, by the time of its marker. The keeper does it for every version it knows, now and then."""
    with contextlib.suppress(OSError):
        os.utime(python.parent.parent / _MARKER)


def prune(cache: Path) -> list[str]:
    """Remove environments that no project has used for KEEP_DAYS; says which. One that is needed after all is built again.

    A folder that is being built or removed by somebody else is left alone.
    """
    removed = []
    for marker in sorted(cache.glob(f"*/{_MARKER}")):
        folder = marker.parent
        if folder.name.startswith(".") or not _unused(marker):
            continue
        with contextlib.suppress(Conflict, Unavailable, OSError), file_lock(cache / f"{folder.name}.lock", wait=False, what="A build"):
            if _unused(marker):
                doomed = folder.rename(folder.with_name(f".draft-{folder.name}"))  # in one step: half an environment is never found
                shutil.rmtree(doomed, ignore_errors=True)
                removed.append(folder.name)
    return removed


def _unused(marker: Path) -> bool:
    try:
        return time.time() - marker.stat().st_mtime > KEEP_DAYS * 86_400
    except FileNotFoundError:
        return False


def _usable(folder: Path) -> bool:
    return (folder / _MARKER).is_file() and _python(folder).exists()  # the link breaks when its interpreter was removed


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _build(folder: Path, requirements: Sequence[str], on_progress: Callable[[str], None]) -> None:
    draft = folder.with_name(f".draft-{folder.name}")
    for old in (draft, folder):
        shutil.rmtree(old, ignore_errors=True)
    try:
        on_progress(f"building the serving environment: {', '.join(requirements)}, {RUNTIME[0]}")
        # Relocatable: its scripts find their Python beside them, so the finished folder can be renamed.
        _uv("venv", "--relocatable", "--no-project", "--python", sys.executable, str(draft), at=folder.parent)
        overrides = draft / "overrides.txt"
        pinned = [line for line in requirements if line.startswith(_PINNED)]
        overrides.write_text("\n".join([*OVERRIDES, *(pinned if any(line.startswith("numpy") for line in pinned) else [*pinned, NUMPY])]) + "\n")
        _uv("pip", "install", "--compile-bytecode", "--python", str(_python(draft)), "--overrides", str(overrides), *RUNTIME, *requirements, at=draft)
        packages = _uv("pip", "freeze", "--python", str(_python(draft)), at=draft).splitlines()
        write_atomic(draft / _MARKER, json.dumps({"requirements": list(requirements), "packages": packages}, indent=1).encode())
        draft.rename(folder)
        on_progress(f"environment {folder.name} is built: {len(packages)} packages")
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _uv(*arguments: str, at: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "UV_PYTHON", "PYTHONPATH", "PYTHONHOME")}
    if "PIP_INDEX_URL" in environment:  # what a user has told pip holds for uv as well
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    try:
        done = subprocess.run([_uv_binary(), *arguments], cwd=at, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            "The serving environment could not be built.", f"uv took over {BUILD_SECONDS} s.", "Look at the network, then deploy again."
        ) from error
    if done.returncode:
        said = " ".join(line.strip() for line in done.stderr.strip().splitlines()[-6:])
        fix = "Mend the model's requirements, or the way to the package index (UV_DEFAULT_INDEX), then deploy again."
        raise Unavailable("The serving environment could not be built.", f"uv said: {said[-600:]}", fix)
    return done.stdout


def _uv_binary() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        found = shutil.which("uv")
        if found:
            return found
        raise Unavailable("uv is missing.", "Serving environments are built by it.", "pip install uv") from error
