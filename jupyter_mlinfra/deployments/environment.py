"""A separate environment for each set of requirements: built by `uv`, cached by content, shared
between projects.

A version has two: that of its runtime, which answers requests (see `runtimes`); and LOGGED, with
the libraries that the model was logged with, in which its own pyfunc gives the correct answers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Conflict, Unavailable
from ..core.files import explain_os_error, file_lock, write_atomic
from .log_tail import without_secrets
from .settings import DeploymentSettings

if TYPE_CHECKING:
    from ..core.settings import Settings


class NotBuilt(Unavailable):
    """The packages of an environment cannot be had: the model's requirements, or the way to the
    package index. output: what uv printed.
    """

    output = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an environment holds besides the requirements. overrides: pins of packages that are
    lifted. defaults: for packages that no requirement pins.
    """

    noun: str
    packages: tuple[str, ...]
    overrides: tuple[str, ...]
    defaults: tuple[str, ...] = ()


NO_GPU = (
    # xgboost's GPU collectives: 345 MB that a process on CPUs never loads. The marker is never
    # true, so they are left out.
    'nvidia-nccl-cu12; sys_platform == "none"',
    'nvidia-nccl-cu13; sys_platform == "none"',
)
LOGGED = Recipe("model's own environment", packages=(), overrides=NO_GPU)
_NEED_GPU_LIBRARIES = {"torch", "lightning", "pytorch-lightning", "torchvision", "transformers"}
BUILD_SECONDS = 900
KEEP_DAYS = 90
_SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}
"""Makes uv use the system's certificates; older versions read the second variable."""
_UNTRUSTED = re.compile(r"UnknownIssuer|invalid peer certificate")
_DISK_FULL = "No space left on device"
MARKER = "complete.json"
_PINNED = ("numpy", "scipy")


def cache_folder(settings: Settings) -> Path:
    """Where environments are kept: `[deployments] environments`, else the user's cache folder."""
    if settings.of(DeploymentSettings).environments:
        return Path(settings.of(DeploymentSettings).environments).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "jupyter-mlinfra" / "environments"


def key_of(requirements: Sequence[str], recipe: Recipe, python: str = "") -> str:
    """Name of the environment: a hash of everything that it is made from."""
    parts = [recipe.packages, _lifted(requirements, recipe), recipe.defaults]
    made_from = [
        sorted(requirements),
        *parts,
        sys.version,
        sys.base_prefix,
        sysconfig.get_platform(),
        *([python] if _other(python) else []),
    ]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


def ensure(
    requirements: Sequence[str],
    cache: Path,
    *,
    recipe: Recipe,
    python: str = "",
    on_progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """The Python of an environment with `requirements` and what the recipe adds; built if there is
    none yet. python: a minor version such as `3.12`; empty: that of this process.

    Two builds of the same environment wait for each other; the next build removes what a killed one
    left. Raises NotBuilt if its packages cannot be had, Unavailable if this machine cannot build
    it.
    """
    folder = cache / key_of(requirements, recipe, python)
    note_use(_python(folder))
    if _usable(folder):
        return _python(folder)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        on_progress("waiting for the environment's lock")
        with file_lock(cache / f"{folder.name}.lock"):
            if not _usable(folder):
                _build(folder, requirements, recipe, python, on_progress)
        prune(cache)
    except OSError as error:
        raise explain_os_error(error, f"The {recipe.noun} could not be built.") from error
    return _python(folder)


def bytecode_folder(python: Path) -> Path:
    """Where the processes of an environment keep what they have compiled: only the modules that
    they import. To compile a whole environment at once takes a minute of two cores.
    """
    return python.parent.parent / "bytecode"


def note_use(python: Path) -> None:
    """Record that an environment is in use now, by its marker's time. The keeper does this from
    time to time for every version.
    """
    with contextlib.suppress(OSError):
        os.utime(python.parent.parent / MARKER)


def prune(cache: Path) -> list[str]:
    """Remove environments that no project has used for KEEP_DAYS; returns which. One that is needed
    later is built again.

    A folder that another process is building or removing is skipped.
    """
    removed = []
    for marker in sorted(cache.glob(f"*/{MARKER}")):
        folder = marker.parent
        if folder.name.startswith(".") or not _unused(marker):
            continue
        with (
            contextlib.suppress(Conflict, Unavailable, OSError),
            file_lock(cache / f"{folder.name}.lock", wait=False, what="A build"),
        ):
            if _unused(marker):
                # In one step, so that nobody finds half an environment.
                doomed = folder.rename(folder.with_name(f".draft-{folder.name}"))
                shutil.rmtree(doomed, ignore_errors=True)
                removed.append(folder.name)
    return removed


def _other(python: str) -> bool:
    """Whether a minor version is another one than that of this process."""
    return bool(python) and python != f"{sys.version_info.major}.{sys.version_info.minor}"


def _unused(marker: Path) -> bool:
    try:
        return time.time() - marker.stat().st_mtime > KEEP_DAYS * 86_400
    except FileNotFoundError:
        return False


def _usable(folder: Path) -> bool:
    return (folder / MARKER).is_file() and _python(
        folder
    ).exists()  # the link breaks if its interpreter was removed


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _build(
    folder: Path,
    requirements: Sequence[str],
    recipe: Recipe,
    python: str,
    on_progress: Callable[[str], None],
) -> None:
    draft = folder.with_name(f".draft-{folder.name}")
    for leftover in (draft, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    packages = [*recipe.packages, *requirements]
    try:
        on_progress(f"building the {recipe.noun}: {', '.join(packages)}")
        # Relocatable: its scripts find their Python beside them, so that the finished folder can be
        # renamed.
        _uv(
            recipe,
            "venv",
            "--relocatable",
            "--no-project",
            "--python",
            python if _other(python) else sys.executable,
            str(draft),
            folder=folder.parent,
        )
        overrides = draft / "overrides.txt"
        overrides.write_text("\n".join(_overrides(requirements, recipe)) + "\n")
        install = (
            "pip",
            "install",
            "--python",
            str(_python(draft)),
            "--overrides",
            str(overrides),
        )
        _uv(recipe, *install, *packages, folder=draft)
        built = _uv(
            recipe, "pip", "freeze", "--python", str(_python(draft)), folder=draft
        ).splitlines()
        write_atomic(
            draft / MARKER,
            json.dumps({"requirements": list(requirements), "packages": built}, indent=1).encode(),
        )
        draft.rename(folder)
        on_progress(f"environment {folder.name} is built: {len(built)} packages")
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _overrides(requirements: Sequence[str], recipe: Recipe) -> list[str]:
    """The recipe's overrides, and the recorded pins of libraries that its packages would
    hold back.
    """
    pinned = [line for line in requirements if line.startswith(_PINNED)] if recipe.packages else []
    missing = [
        line
        for line in recipe.defaults
        if not any(pin.startswith(line.partition(">")[0]) for pin in pinned)
    ]
    return [*_lifted(requirements, recipe), *pinned, *missing]


def _lifted(requirements: Sequence[str], recipe: Recipe) -> tuple[str, ...]:
    """The recipe's overrides. Only xgboost does without the collectives; torch, which another
    package may bring, cannot be imported without them.
    """
    names = {re.split(r"[^\w.-]", line)[0] for line in requirements}
    if "xgboost" in names and not names & _NEED_GPU_LIBRARIES:
        return recipe.overrides
    return tuple(line for line in recipe.overrides if line not in NO_GPU)


def _uv(recipe: Recipe, *arguments: str, folder: Path) -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "UV_PYTHON", "PYTHONPATH", "PYTHONHOME")
    }
    if "PIP_INDEX_URL" in environment:  # a user's settings for pip also hold for uv
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    # A kernel asks all its children for colours, which would stand within the names of packages.
    command = [uv_binary(), "--color", "never", *arguments]
    try:
        result = _run(command, folder, environment)
        if (
            result.returncode
            and _UNTRUSTED.search(result.stderr)
            and not _SYSTEM_CERTIFICATES.keys() & environment.keys()
        ):
            # A proxy that inspects connections shows a certificate that this machine trusts and
            # uv's own list lacks.
            result = _run(command, folder, environment | _SYSTEM_CERTIFICATES)
    except subprocess.TimeoutExpired as error:
        fix = "Look at the network, then deploy again."
        raise NotBuilt(
            f"The {recipe.noun} could not be built.", f"uv took over {BUILD_SECONDS} s.", fix
        ) from error
    if result.returncode:
        error_lines = " ".join(line.strip() for line in result.stderr.strip().splitlines()[-6:])
        kind: type[Unavailable] = NotBuilt
        fix = (
            "Correct the model's requirements, or the way to the package index (UV_DEFAULT_INDEX),"
            " then deploy again."
        )
        if _DISK_FULL in result.stderr:
            kind, fix = Unavailable, "Free some space, then deploy again."
        failure = kind(
            f"The {recipe.noun} could not be built.",
            f"uv said: {without_secrets(error_lines)[-600:]}",
            fix,
        )
        if isinstance(failure, NotBuilt):
            failure.output = result.stderr
        raise failure
    return result.stdout


def _run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )


def uv_binary() -> str:
    """The path of uv. Raises Unavailable if there is none."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        binary = shutil.which("uv")
        if binary:
            return binary
        raise Unavailable(
            "uv is missing.", "Serving environments are built by it.", "pip install uv"
        ) from error
