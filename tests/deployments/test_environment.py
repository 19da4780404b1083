"""Serving environments: built once, whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.files import file_lock
from jupyter_mlinfra.deployments import environment
from jupyter_mlinfra.deployments.runtimes.seldon_core import SeldonCore

RECIPE = SeldonCore.recipe


@pytest.mark.slow
def test_an_environment_has_the_real_runtime_and_the_recorded_versions_and_no_gpu_libraries(
    tmp_path: Path,
) -> None:
    requirements = [f"{name}=={version(name)}" for name in ("numpy", "xgboost")]
    half_built = (
        tmp_path / f".draft-{environment.key_of(requirements, RECIPE)}"
    )  # of a build that was killed
    (half_built / "lib").mkdir(parents=True)
    told: list[str] = []
    first: list[Path] = []
    crowd = [
        threading.Thread(
            target=lambda: first.append(
                environment.ensure(requirements, tmp_path, recipe=RECIPE, on_progress=told.append)
            )
        )
        for _ in range(2)
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert len(set(first)) == 1
    assert sum("is built" in line for line in told) == 1  # the second waited for the first
    python = first[0]
    code = (
        "import numpy, xgboost, seldon_core.microservice; print(numpy.__version__,"
        " xgboost.__version__, seldon_core.__version__)"
    )
    versions = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert versions[:2] == [version("numpy"), version("xgboost")]
    assert versions[2].startswith("1.")
    folder = python.parent.parent
    assert not list(folder.rglob("nvidia/nccl"))
    assert not list(tmp_path.glob(".draft*"))
    assert (
        environment.ensure(requirements, tmp_path, recipe=RECIPE, on_progress=told.append) == python
    )
    assert sum("is built" in line for line in told) == 1
    shutil.rmtree(folder)


def test_an_environment_that_cannot_be_built_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(environment.NotBuilt) as failed:
        environment.ensure(["xgboost==0.0.1.no.such.version"], tmp_path, recipe=RECIPE)
    assert "xgboost" in failed.value.why
    assert "0.0.1.no.such.version" in failed.value.output
    assert failed.value.fix
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_full_disk_is_no_fault_of_the_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "error: Failed to extract archive\n  Caused by: No space left on device (os error 28)"
    full = subprocess.CompletedProcess[str]([], 2, "", said)
    monkeypatch.setattr(environment, "_run", lambda *_: full)
    with pytest.raises(Unavailable) as failed:
        environment.ensure(["xgboost"], tmp_path, recipe=RECIPE)
    assert type(failed.value) is Unavailable
    assert "os error 28" in failed.value.why
    assert failed.value.fix == "Free some space, then deploy again."


def test_other_requirements_or_another_python_is_another_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = environment.key_of(["numpy==2.3.5", "xgboost==3.1.2"], RECIPE)
    assert environment.key_of(["xgboost==3.1.2", "numpy==2.3.5"], RECIPE) == one
    assert environment.key_of(["xgboost==3.1.3", "numpy==2.3.5"], RECIPE) != one
    monkeypatch.setattr(sys, "version", "3.99")
    assert environment.key_of(["numpy==2.3.5", "xgboost==3.1.2"], RECIPE) != one


def made(cache: Path, name: str, *, days: float) -> Path:
    """An environment that was last used so long ago; only its files, no Python."""
    python = cache / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    marker = cache / name / "complete.json"
    marker.write_text("{}")
    at = time.time() - days * 86_400
    os.utime(marker, (at, at))
    return python


def test_only_environments_that_nobody_has_used_for_long_are_removed(tmp_path: Path) -> None:
    for name, days in (
        ("old", 91),
        ("young", 89),
        ("built", 91),
        ("used", 91),
        (".draft-other", 91),
    ):
        made(tmp_path, name, days=days)
    environment.note_use(tmp_path / "used" / "bin" / "python")
    # Of a version whose environment is not there: nothing happens.
    environment.note_use(tmp_path / "gone" / "bin" / "python")
    with file_lock(tmp_path / "built.lock"):  # somebody is at it
        assert environment.prune(tmp_path) == ["old"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        ".draft-other",
        "built",
        "used",
        "young",
    ]


def test_an_environment_that_is_asked_for_is_in_use(tmp_path: Path) -> None:
    requirements = ["numpy==2.3.5"]
    python = made(tmp_path, environment.key_of(requirements, RECIPE), days=91)
    assert environment.ensure(requirements, tmp_path, recipe=RECIPE) == python
    assert environment.prune(tmp_path) == []
    assert python.exists()


def test_the_workbench_itself_never_imports_the_runtime() -> None:
    code = (
        "import sys, jupyter_mlinfra.deployments.service,"
        " jupyter_mlinfra.deployments.targets.keeper; print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"seldon_core", "xgboost", "polars", "pandas", "mlflow", "pyarrow", "flask"} & set(
        loaded
    )


def test_a_certificate_that_only_the_system_knows_is_asked_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a proxy that looks into connections."""
    uv = tmp_path / "uv"
    uv.write_text(
        '#!/bin/sh\necho "$UV_SYSTEM_CERTS" >>calls\n[ -n "$UV_SYSTEM_CERTS" ] || { echo "cause:'
        ' invalid peer certificate: UnknownIssuer" >&2; exit 2; }\necho built\n'
    )
    uv.chmod(0o755)
    for name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "uv_binary", lambda: str(uv))
    assert environment._uv(RECIPE, "venv", folder=tmp_path) == "built\n"
    assert (tmp_path / "calls").read_text() == "\ntrue\n"


def test_what_uv_tells_a_kernel_has_no_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IPython sets these for all that its kernel starts, such as a deployment from a notebook."""
    for name in ("CLICOLOR_FORCE", "FORCE_COLOR"):
        monkeypatch.setenv(name, "1")
    told = environment._uv(RECIPE, "pip", "freeze", "--python", sys.executable, folder=tmp_path)
    assert f"\npolars=={version('polars')}\n" in told
