"""Tests before traffic that a project adds: functions that ask the version and judge its answers.

# checks.py, in the project's folder; in mlinfra.toml: tests = ["checks:no_negative_price"]
def no_negative_price(trial):
    worst = min(trial.ask(trial.sample))
    return f"lowest price {worst:g}", worst >= 0

Each runs in a process of its own (`python -m jupyter_mlinfra.deployments.own_tests`): it is read
anew, and one that hangs or exits ends that process alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest
from . import client
from .gateway import Keys
from .spec import Gate


@dataclass(frozen=True, slots=True)
class Trial:
    """The version under test, as a test of the project sees it. sample: rows that it is known to
    answer, as mappings. ask: sends rows through the gateway and returns the predictions; raises
    the error that a refused request stands for.
    """

    deployment: str
    version: str
    model: str
    sample: Sequence[Mapping[str, Any]]
    ask: Callable[[Sequence[Mapping[str, Any]]], Sequence[Any]]


OwnTest = Callable[[Trial], tuple[str, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTests:
    """Those of a project. root: its folder. seconds: how long each may take."""

    root: Path
    names: Sequence[str] = field(default_factory=tuple)
    seconds: float = 60.0

    def gate(
        self,
        name: str,
        *,
        url: str,
        keys: Keys,
        version: str,
        deployment: str,
        model: str,
        sample: Sequence[Mapping[str, Any]],
    ) -> Gate:
        """Run one; whatever it does, it has passed or failed. Raises BadRequest for one that cannot
        be imported.
        """
        task = {
            "root": str(self.root),
            "name": name,
            "url": url,
            "keys": asdict(keys),
            "facts": [deployment, version, model, list(sample)],
        }
        found, said = self._run(task)
        if "refused" in found:
            raise BadRequest(*found["refused"])
        return Gate(
            name=name,
            limit=str(found.get("limit") or "a test of the project"),
            measured=str(found.get("measured", said))[:500],
            passed=bool(found.get("passed")),
        )

    def _run(self, task: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        """What the test has found, and why it has found nothing."""
        with tempfile.TemporaryDirectory() as name:
            answer = Path(name) / "answer.json"
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(answer)],
                cwd=self.root,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            try:
                _, errors = process.communicate(json.dumps(task).encode(), timeout=self.seconds)
                lines = errors.decode(errors="replace").strip().splitlines()
                said = f"it ended with status {process.returncode}: {''.join(lines[-1:])[:300]}"
            except subprocess.TimeoutExpired:
                said = f"it was ended after {self.seconds:g} s ([deployments] test_seconds)"
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # and what the test has left
                process.wait()
            return (json.loads(answer.read_text()) if answer.is_file() else {}), said


def load_test(root: Path, name: str) -> OwnTest:
    """The function `module:function`. root: the project's folder. Raises BadRequest if it cannot be
    imported.
    """
    module, colon, function = name.partition(":")
    sys.path.insert(0, str(root))
    try:
        test = getattr(import_module(module), function) if colon and function else None
    except Exception as error:
        raise BadRequest(
            f"The test before traffic {name!r} cannot be imported.",
            f"{type(error).__name__}: {str(error)[:200]}.",
            "Correct it, or take it out of [deployments] tests.",
        ) from error
    finally:
        sys.path.remove(str(root))
    if not callable(test):
        raise BadRequest(
            f"{name!r} names no test before traffic.",
            "It must be module:function.",
            'For example tests = ["checks:no_negative_price"].',
        )
    found: OwnTest = test
    return found


def _judge(task: Mapping[str, Any]) -> dict[str, Any]:
    """Run the test of a task; its judgement."""
    try:
        test = load_test(Path(task["root"]), task["name"])
    except BadRequest as error:
        return {"refused": [error.what, error.why, error.fix]}
    deployment, version, model, sample = task["facts"]
    keys = Keys(**task["keys"])

    def ask(rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        body = json.dumps(client.request_body(rows)).encode()
        answer = client.post(task["url"], body, keys=keys, version=version, probe=True)
        return client.prediction(answer).predictions

    limit = (test.__doc__ or "a test of the project").strip().splitlines()[0]
    try:
        measured, passed = test(Trial(deployment, version, model, sample, ask))
    except Exception as error:  # noqa: BLE001 (code of the project)
        measured, passed = f"{type(error).__name__}: {error}", False
    return {"limit": limit, "measured": str(measured)[:500], "passed": bool(passed)}


def main() -> None:
    """Read a task on standard input; write its judgement to the file that is named."""
    found = _judge(json.loads(sys.stdin.buffer.read()))
    draft = Path(f"{sys.argv[1]}.draft")
    draft.write_text(json.dumps(found))
    draft.rename(sys.argv[1])


if __name__ == "__main__":
    main()
