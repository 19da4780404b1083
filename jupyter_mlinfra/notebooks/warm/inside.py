"""Code that runs inside a warm kernel. The text of this file is sent there, since the kernel's
environment may not contain this package.

So it imports only the standard library, and nothing that it defines stays in the notebook's names.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
import sysconfig
from typing import Any


def warm_up(lines: list[str]) -> dict[str, Any]:
    """Run the imports of installed packages.

    Returns why the kernel cannot be used (`unfit`), whether a GPU job may use it, what it was made
    from, and the loaded top-level modules that a file beside the notebook would shadow. They never
    include a module of the project: that would be its present version, not the one in the job's
    snapshot.
    """
    unfit = _startup_files()
    roots, before = _installed(), set(sys.modules)
    for line in [] if unfit else lines:
        if _is_installed(line.split()[1].partition(".")[0], roots):
            try:
                exec(line, {})  # noqa: S102 - an import statement
            except BaseException:  # noqa: BLE001, S112 - sys.exit too; the notebook will show it
                continue
    # What is loaded now lives until the end: scanning it at every collection, and once more at
    # exit, takes half a second.
    gc.collect()
    gc.freeze()
    loaded = set(sys.modules) - before
    modules = sorted({name.partition(".")[0] for name in loaded} - sys.stdlib_module_names)
    unfit = unfit or _foreign(loaded)
    return {
        "unfit": unfit,
        "gpu": not _has_touched_a_gpu(),
        "places": [*roots, *_profile()],
        "modules": modules,
        "pid": os.getpid(),
    }


def hand_out(target: dict[str, Any]) -> dict[str, Any]:
    """Give the kernel to a job: set its environment, folder and module search path.

    target: `cwd`, `code` (the frozen copy of that folder), `before` and `environment` (of the
    runner at its start, and of the job).
    """
    _move(target)
    sys.path.insert(sys.path.index("") if "" in sys.path else len(sys.path), target["code"])
    return {"pid": os.getpid()}


def take_over(target: dict[str, Any]) -> dict[str, Any]:
    """Give the kernel to a Jupyter client, as if it had been started for it.

    target: `cwd`, `before` and `environment` as above, `connection` (the path of its connection
    file), `arguments` (of its command line).
    """
    _move(target)
    app = sys.modules["ipykernel.kernelapp"].IPKernelApp.instance()
    # %connect_info, and code that looks for the kernel's id, read this.
    app.connection_file = target["connection"]
    sys.argv[1:] = target["arguments"]
    if session := target["environment"].get("JPY_SESSION_NAME"):
        app.shell.user_ns["__session__"] = session  # as ipykernel does at its start
    return {"pid": os.getpid()}


def _move(target: dict[str, Any]) -> None:
    """Set folder and environment. A variable that the kernel has set itself stays, as in a kernel
    that was started there.
    """
    before, after = target["before"], target["environment"]
    for name in {*before, *after}:
        if before.get(name) != after.get(name) and os.environ.get(name) == before.get(name):
            if name in after:
                os.environ[name] = after[name]
            else:
                del os.environ[name]
    os.chdir(target["cwd"])
    importlib.invalidate_caches()


def _installed() -> list[str]:
    """Folders that packages are installed into."""
    import site

    named = [
        *sysconfig.get_paths().values(),
        *site.getsitepackages(),
        *([site.getusersitepackages()] if site.ENABLE_USER_SITE else []),
    ]
    return sorted(
        {
            path
            for path in map(os.path.realpath, named)
            if os.path.basename(path) in ("site-packages", "dist-packages") and os.path.isdir(path)
        }
    )


def _is_installed(name: str, roots: list[str]) -> bool:
    """Whether a top-level module comes from there."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None:
        return False
    places = list(spec.submodule_search_locations or ()) or [spec.origin or ""]
    return all(
        any(os.path.realpath(place).startswith(root + os.sep) for root in roots) for place in places
    )


def _foreign(names: set[str]) -> str:
    """A module that an import has loaded from another folder, such as that of a package installed
    by `pip install -e`.
    """
    library = [
        os.path.realpath(path) + os.sep
        for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    ]
    for name in sorted(names):
        file = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(file, str) or not os.path.isfile(file):  # built in, or made up: torch.ops
            continue
        place = os.path.realpath(file)
        if not place.startswith(tuple(library)) and not {"site-packages", "dist-packages"} & {
            *place.split(os.sep)
        }:
            return f"An import has loaded {name} from {os.path.dirname(file)}"
    return ""


def _profile() -> list[str]:
    """Where IPython's startup files and settings are, or would be."""
    shell: Any = sys.modules["IPython"].get_ipython()
    if shell is None:
        return []
    return [
        shell.profile_dir.startup_dir,
        *(
            os.path.join(shell.profile_dir.location, f"{name}_config.py")
            for name in ("ipython", "ipython_kernel")
        ),
    ]


def _startup_files() -> str:
    """The user's files that IPython ran at the start, outside any job's folder: their effects
    are unknown.
    """
    folder = next(iter(_profile()), "")
    try:
        found = [name for name in os.listdir(folder) if name.endswith((".py", ".ipy"))]
    except OSError:
        return ""
    return f"IPython's startup folder has {found[0]}" if found else ""


def _has_touched_a_gpu() -> bool:
    """Whether a driver was opened: the visible GPUs were fixed at that moment."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return True
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith(("/dev/nvidia", "/dev/kfd")):
                return True
        except OSError:
            continue
    return False
