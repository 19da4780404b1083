"""The Binder folder builds: its steps, in the order of repo2docker, in a fresh environment with a
home of its own.

Source of the order: https://repo2docker.readthedocs.io/en/latest/usage/config_files.html
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

BINDER = REPOSITORY / "binder"
BUILT = "jupyter_mlinfra/labextension"


@pytest.mark.timeout(2400)
def test_the_binder_steps_end_with_a_live_deployment_in_a_fresh_environment(tmp_path: Path) -> None:
    repository, venv = tmp_path / "repository", tmp_path / "venv"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in filter(lambda name: (REPOSITORY / name).is_file(), listed):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, repository / name)
    # Set-up has built the front end by the same hook; once in a run is enough.
    shutil.copytree(REPOSITORY / BUILT, repository / BUILT)
    assert (BINDER / "runtime.txt").read_text().strip() == "python-3.12"
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MLINFRA_")
    } | {
        "HOME": str(tmp_path),
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(venv),
    }
    environment.pop("PYTHONPATH", None)
    # Packages that were fetched before, and the serving environments of the demo.
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    environment["XDG_CACHE_HOME"] = cache
    environment["UV_CACHE_DIR"] = subprocess.run(
        [uv, "cache", "dir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    install = [uv, "pip", "install", "--quiet", "-r", "binder/requirements.txt"]
    installed = subprocess.run(
        install, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True
    )
    # A proxy that looks into connections, as in scripts/setup.sh.
    if installed.returncode and "UnknownIssuer" in installed.stderr:
        environment |= {
            "UV_SYSTEM_CERTS": "true",
            "UV_NATIVE_TLS": "true",
            "NODE_USE_SYSTEM_CA": "1",
        }
        installed = subprocess.run(
            install, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True
        )
    assert installed.returncode == 0, installed.stderr
    try:
        subprocess.run(
            ["binder/postBuild"], cwd=repository, env=environment, check=True, timeout=1800
        )
        started = ["binder/start", "bash", "-c", "cd notebooks && mlinfra status --json"]
        done = subprocess.run(
            started, cwd=repository, env=environment, capture_output=True, text=True, timeout=180
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["deployments"]["live"] == 1
        extensions = subprocess.run(
            ["jupyter", "labextension", "list"], env=environment, capture_output=True, text=True
        )
        assert "@jupyter-mlinfra/labextension" in extensions.stdout + extensions.stderr
    finally:
        subprocess.run(["mlinfra", "down"], cwd=repository / "notebooks", env=environment)
