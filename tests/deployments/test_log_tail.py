"""What a test before traffic shows of the log of a version that did not start."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.deployments import Deployments, environment, rollout
from jupyter_mlinfra.deployments.gate_list import GateList, Stopped
from jupyter_mlinfra.deployments.log_tail import CHARACTERS, LINES, newest_tail, tail
from jupyter_mlinfra.deployments.spec import Gate, VersionState
from jupyter_mlinfra.deployments.targets.layout import logs_folder

BUILT = "error: numpy<2 cannot be had, index https://ana:hunter22@packages.example/simple"
STARTED = "ImportError: no module named flights"


@pytest.mark.parametrize(
    "line",
    [
        "connecting to postgresql://ana:hunter22@db/x",
        "DB_PASSWORD=hunter22",
        "{'api_key': 'hunter22', 'rows': 3}",
        "api_token: hunter22",
        "Authorization failed for hunter22",
    ],
    ids=["address", "assigned", "quoted", "colon", "environment"],
)
def test_no_secret_of_the_log_is_shown(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    if "Authorization" in line:
        monkeypatch.setenv("PAYLOAD_SECRET", "hunter22")
    shown = tail(f"{line}\n{STARTED}")
    assert "hunter22" not in shown
    assert "[secret]" in shown
    assert shown.endswith(STARTED)


def test_what_is_no_secret_stays() -> None:
    for line in ("KeyError: 'distance'", "rows=12, seconds: 3.5", "token count 12"):
        assert tail(line) == line


def test_the_end_is_shown_of_the_log_that_was_written_last(tmp_path: Path) -> None:
    assert newest_tail(tmp_path, "flights.v1.*.log") == ""
    long = "\n".join(f"line {number}" for number in range(500))
    for number, text in enumerate((long, "old", "of another version")):
        version = "v2" if number == 2 else "v1"
        log = tmp_path / f"flights.{version}.{number}.log"
        log.write_text(text)
        os.utime(log, (1000 - number, 1000 - number))
    shown = newest_tail(tmp_path, "flights.v1.*.log").splitlines()
    assert (len(shown), shown[-1]) == (LINES, "line 499")
    assert len(tail("x" * 100_000)) == CHARACTERS


@pytest.mark.parametrize(
    ("fails", "said"),
    [("environment", "numpy<2 cannot be had"), ("start", STARTED)],
)
def test_the_test_that_failed_has_the_last_lines_of_its_log(
    tmp_path: Path, kit: ModuleType, monkeypatch: pytest.MonkeyPatch, fails: str, said: str
) -> None:
    def ensure(*_: Any, **__: Any) -> Path:
        if fails == "start":
            return tmp_path
        error = environment.NotBuilt("It could not be built.", "uv failed.", "Correct it.")
        error.output = BUILT
        raise error

    project = kit.open_project(tmp_path / "project")
    store = Deployments(project, kit.Registry({}))._store
    store.begin(
        "flights",
        "v1",
        target="local",
        model="flights",
        number=1,
        workers=1,
        runtime="open-inference",
    )

    def fail(_: int, **__: Any) -> None:
        (logs_folder(project) / "flights.v1.0.log").write_text(f"begins\n{STARTED}\n")
        store.move("flights", "v1", VersionState.FAILED, reason="It ended.")

    monkeypatch.setattr(environment, "ensure", ensure)
    monkeypatch.setattr(rollout, "own_answers", lambda *_, **__: {})
    target: Any = SimpleNamespace(carry_out=fail)
    bundle: Any = SimpleNamespace(
        requirements=[], own_requirements=[], python="", folder=tmp_path, runs_code=False
    )
    kept: list[Sequence[Gate]] = []
    with pytest.raises(Stopped):
        rollout.Rollout(project, store, target).prove(
            "flights", "v1", bundle, GateList(kept.append), lambda _: None
        )
    gate = kept[-1][-1]
    assert (gate.name, gate.passed) == (fails, False)
    assert said in gate.log
    assert "hunter22" not in gate.log
    store.note("flights", "v1", gates=kept[-1])
    assert store.deployment("flights").version("v1").gates[-1].log == gate.log
    project.database.close()
