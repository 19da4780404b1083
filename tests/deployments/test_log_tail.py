"""What a test before traffic shows of the log of a version that did not start."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
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


PEM = "-----BEGIN RSA PRIVATE KEY-----\n{}-----END RSA PRIVATE KEY-----"
BODY = "hunter22" * 8 + "\n"


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer hunter22.two",
        "{'Authorization': 'Bearer hunter22', 'Accept': '*/*'}",
        "[(b'authorization', b'Basic hunter22')]",
        '"{\\"authorization\\": \\"token hunter22\\"}"',
        "refused: Bearer hunter22",
        "error: password=hunter22",
        "serve --token hunter22 --rows 3",
        "['serve', '--api-key', 'hunter22']",
        "Cookie: theme=dark; session=hunter22",
        "Set-Cookie: session=hunter22; Path=/",
        "password = correct hunter22",
        "password='correct\\'hunter22'",
        "GET /rows?token=hunter22&limit=3",
        "https://hooks.slack.com/services/T0/B0/hunter22",
        "https://discord.com/api/webhooks/1/hunter22",
        "https://api.telegram.org/bot1:hunter22/send",
        "webhook_url: https://alerts.example/hunter22",
        PEM.format(BODY),
        PEM.format(BODY * 60),
        PEM.format(BODY).partition("-----END")[0],
        "hunter22\n" + PEM.format(BODY).partition("-----\n")[2],
        f"{'x ' * 5_000}--token hunter22",
    ],
    ids=range(22),
)
def test_no_known_form_of_a_secret_is_shown(line: str) -> None:
    shown = tail(f"{line}\n!! {STARTED}")
    assert "hunter22" not in shown
    assert "[secret]" in shown
    assert shown.endswith(STARTED)


@pytest.mark.parametrize(
    "text",
    ["a=", "a='", "--token ", "password=", "-----BEGIN PRIVATE KEY-----", "http://", "a \\", "\t:"],
)
def test_a_long_line_takes_no_longer_than_its_length(text: str) -> None:
    begun = time.process_time()
    tail(text * 64_000)
    assert time.process_time() - begun < 2


def test_what_is_no_secret_stays() -> None:
    for line in (
        "KeyError: 'distance'",
        "rows=12, seconds: 3.5",
        "token count 12",
        "--token-file a b",
    ):
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
        error = environment.NotBuilt("It could not be built.", f"uv said: {BUILT}", "Correct it.")
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
    assert "hunter22" not in gate.log + gate.measured
    store.note("flights", "v1", gates=kept[-1])
    assert store.deployment("flights").version("v1").gates[-1].log == gate.log
    project.database.close()


def test_what_a_failed_test_measured_and_the_reason_have_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INDEX_PASSWORD", "hunter22")
    kept: list[Sequence[Gate]] = []
    gates = GateList(kept.append)
    with pytest.raises(Stopped) as stopped:
        gates.fail("environment", "built", Unprocessable("It failed.", "uv said: hunter22"))
    assert "hunter22" not in kept[-1][-1].measured + str(stopped.value)
    gates.add(Gate(name="own", limit="", measured="asked with hunter22", passed=False))
    assert kept[-1][-1].measured == "asked with [secret]"
