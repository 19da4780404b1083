"""Keys and the audit log: what is stored, who is named; and a deployment that other machines
ask.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sqlite3
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import psutil
import pytest

from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    Unavailable,
    Unprocessable,
)
from jupyter_mlinfra.core.processes import with_token
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.access import verbs
from jupyter_mlinfra.deployments.access.keys import digest
from jupyter_mlinfra.deployments.access.records import GatewayState
from jupyter_mlinfra.deployments.access.store import KeyStore
from jupyter_mlinfra.deployments.spec import VersionState
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets import ports
from jupyter_mlinfra.deployments.targets.layout import token_of
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.nouns.deployments import IssuedKey


@pytest.fixture
def project(tmp_path: Path, kit: ModuleType) -> Iterator[Project]:
    """A project with two deployments that are down."""
    found: Project = kit.open_project(tmp_path / "project")
    store = DeploymentStore(found.database, found.name)
    for name in ("flights", "fares"):
        store.begin(name, "v1", target="local", model=name, number=1, workers=1, user="ana")
        store.move(name, "v1", VersionState.FAILED, deployer="")
    yield found
    found.database.close()


@pytest.fixture
def deployments(project: Project) -> Deployments:
    return Deployments(project, None)  # type: ignore[arg-type]


def stored(project: Project) -> bytes:
    """All bytes of the project's folder."""
    project.database.close()
    return b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())


def test_a_key_is_told_once_and_stored_as_its_hash(
    project: Project, deployments: Deployments
) -> None:
    made = deployments.create_key("flights", "app", days=90)
    assert re.fullmatch(rf"mlk_{made.id}_[\w-]{{43}}", made.key)
    assert made.key not in repr(made)
    (plan,) = KeyStore(project.database, "").plans()["flights"].values()
    assert plan.digest == digest(made.key)
    assert abs(plan.ends_ms / 1000 - time.time() - 90 * 86_400) < 60
    content = stored(project)
    assert digest(made.key).encode() in content
    assert made.key.split("_", 2)[2].encode() not in content
    assert len({deployments.create_key("flights").key for _ in range(5)}) == 5
    assert [item.name for item in deployments.keys("flights").items][::-1] == [
        "app",
        *(f"key-{number}" for number in range(1, 6)),
    ]
    assert deployments.keys("fares").items == []


def test_a_name_stands_for_one_valid_key_and_is_free_again_after_it(
    deployments: Deployments,
) -> None:
    first = deployments.create_key("flights", "app")
    with pytest.raises(Conflict, match="has a valid key app already") as refused:
        deployments.create_key("flights", "app")
    assert "rotate app" in refused.value.fix
    assert deployments.revoke_key("flights", "app", reason="left").state == "revoked"
    second = deployments.create_key("flights", "app")
    states = {item.id: item.state for item in deployments.keys("flights").items}
    assert states == {first.id: "revoked", second.id: "active"}
    with pytest.raises(NotFound) as unknown:
        deployments.revoke_key("flights", first.key)
    assert first.key not in str(unknown.value)
    with pytest.raises(NotFound):
        deployments.revoke_key("fares", "app")
    with pytest.raises(NotFound):
        deployments.create_key("none")
    for name, days in (("\n", None), ("x" * 101, None), ("y", 0), ("y", float("nan"))):
        with pytest.raises(BadRequest):
            deployments.create_key("flights", name, days=days)


def test_after_a_rotation_both_keys_are_valid_until_the_grace_is_over(
    project: Project, deployments: Deployments
) -> None:
    old = deployments.create_key("flights", "app", days=10)
    new = deployments.rotate_key("flights", "app", grace_hours=2)
    plans = KeyStore(project.database, "").plans()["flights"]
    assert {*plans} == {old.id, new.id}
    assert abs(plans[old.id].ends_ms / 1000 - time.time() - 7200) < 60
    assert abs(plans[new.id].ends_ms / 1000 - time.time() - 10 * 86_400) < 60
    assert (new.name, new.key == old.key) == ("app", False)
    at_once = deployments.rotate_key("flights", "app", grace_hours=0)
    assert {*KeyStore(project.database, "").plans()["flights"]} == {old.id, at_once.id}
    states = {item.id: item.state for item in deployments.keys("flights").items}
    assert states == {old.id: "active", new.id: "expired", at_once.id: "active"}


@pytest.mark.parametrize("name", ["app", "a" * 100])
def test_keys_that_were_rotated_are_told_apart_by_their_names(
    deployments: Deployments, name: str
) -> None:
    made = [deployments.create_key("flights", name)]
    made += [deployments.rotate_key("flights", name) for _ in range(3)]
    names = {item.id: item.name for item in deployments.keys("flights").items}
    cut = name[:92]
    assert [names[item.id] for item in made[1:3]] == [f"{cut} (old 2)", f"{cut} (old 3)"]
    assert names[made[0].id].endswith(" (old)")
    assert names[made[3].id] == name
    assert deployments.revoke_key("flights", f"{cut} (old 2)").id == made[1].id
    # The name of one that is over may be given again.
    deployments.rotate_key("flights", name)
    names = {item.id: item.name for item in deployments.keys("flights").items}
    assert names[made[3].id] == f"{cut} (old 2)"


KEEP_IT = "Keep it now: it is not shown again. Send it as Authorization: Bearer KEY."


def _hangs(error: BaseException) -> Any:
    """A target whose gateway runs and carries nothing out."""

    def carry_out(_: int) -> None:
        raise error

    return SimpleNamespace(
        running=lambda: {("flights", "v1"): 1}, carry_out=carry_out, gateway=lambda: None
    )


def _answers(*states: bool) -> Any:
    """A target that carries changes out; its gateway is behind as these say, then as the last."""
    asked = iter([*states[:-1], *itertools.repeat(states[-1], 1000)])

    def gateway() -> GatewayState:
        return GatewayState(
            running=2,
            processes=2,
            public="0.0.0.0:8443",
            open=False,
            tls=True,
            behind=next(asked),
            problems=["Envoy does not say that it is closed."],
        )

    # No process of a version runs: the gateway knows the keys nevertheless.
    return SimpleNamespace(running=dict, carry_out=lambda _: None, gateway=gateway)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Unavailable("The change is recorded, but not in force yet."), "The change is recorded"),
        (OSError("no process can be started"), "no process can be started"),
        (KeyboardInterrupt(), "The wait was interrupted."),
    ],
)
def test_a_new_key_is_told_although_the_gateway_does_not_answer(
    project: Project,
    deployments: Deployments,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    why: str,
) -> None:
    DeploymentStore(project.database, "").set_up(["flights"], True)
    monkeypatch.setattr(Deployments, "_target", _hangs(error))
    made = deployments.create_key("flights", "app")
    rotated = deployments.rotate_key("flights", "app")
    stored = {item.digest for item in KeyStore(project.database, "").plans()["flights"].values()}
    assert stored == {digest(made.key), digest(rotated.key)}
    for new in (made, rotated):
        assert f"does not take this key yet. {why}" in new.pending
        assert "mlinfra deployments up flights" in new.pending
    card = card_of(made)
    assert card is not None
    assert card.note == f"{made.pending} {KEEP_IT}"
    with pytest.warns(UserWarning, match="does not take this key yet"):
        assert IssuedKey(made).key == made.key
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert IssuedKey(made).key == made.key, "it is told once, so it must reach its user"


def test_a_new_key_that_is_in_force_says_nothing_else_and_one_of_a_deployment_that_is_down_does(
    project: Project, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Deployment flights is down" in deployments.create_key("flights").pending
    DeploymentStore(project.database, "").set_up(["flights"], True)
    monkeypatch.setattr(Deployments, "_target", _answers(False))
    made = Deployments(project, None).create_key("flights")  # type: ignore[arg-type]
    assert made.pending == ""
    card = card_of(made)
    assert card is not None
    assert card.note == KEEP_IT


def test_a_key_is_called_revoked_when_no_listener_takes_it_any_more(
    project: Project, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    DeploymentStore(project.database, "").set_up(["flights"], True)
    target = _answers(False, True, True, False)
    monkeypatch.setattr(Deployments, "_target", target)
    deployments.create_key("flights", "app")
    assert deployments.revoke_key("flights", "app").state == "revoked"
    assert not target.gateway().behind, "it was waited for"


def test_a_revocation_that_a_listener_may_not_know_is_no_success(
    project: Project, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = deployments.create_key("flights", "app")
    DeploymentStore(project.database, "").set_up(["flights"], True)
    monkeypatch.setattr(verbs, "BEHIND_SECONDS", 0.0)
    for target, why in (
        (_answers(True), "Envoy does not say that it is closed."),
        (_hangs(Unavailable("The gateway does not start.")), "The gateway does not start."),
    ):
        up = Deployments(project, None)  # type: ignore[arg-type]
        monkeypatch.setattr(Deployments, "_target", target)
        key = up.create_key("flights").id if target.running() else made.id
        with pytest.raises(Unavailable, match="is revoked, but the gateway may still") as told:
            up.revoke_key("flights", key)
        assert why in told.value.why
        assert "mlinfra down" in told.value.fix
        assert key not in KeyStore(project.database, "").plans().get("flights", {})


def test_the_audit_log_names_who_did_what_and_outlives_the_deployment(
    project: Project, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_USER", "bo")
    made = deployments.create_key("flights", "app")
    rotated = deployments.rotate_key("flights", "app")
    deployments.revoke_key("flights", rotated.id, reason="left the team")
    DeploymentStore(project.database, "").set_up(["flights"], False, user="bo")
    DeploymentStore(project.database, "").delete("flights", user="bo")
    entries = deployments.audit("flights").items
    assert [(item.verb, item.user) for item in entries] == [
        ("delete", "bo"),
        ("down", "bo"),
        ("keys revoke", "bo"),
        ("keys rotate", "bo"),
        ("keys create", "bo"),
        ("deploy", "ana"),
    ]
    assert entries[2].reason == "left the team"
    assert f"key {made.id} (app) created" in entries[4].text
    assert KeyStore(project.database, "").plans() == {}
    assert {item.deployment for item in deployments.audit().items} == {"flights", "fares"}
    for statement in ("DELETE FROM deployment_audit", "UPDATE deployment_audit SET user = 'x'"):
        with (
            pytest.raises(sqlite3.IntegrityError, match="is not changed"),
            sqlite3.connect(project.home / "state.db") as connection,
        ):
            connection.execute(statement)


def test_a_notebook_keeps_no_key_and_the_command_line_shows_it_once(project: Project) -> None:
    code = (
        "import jupyter_mlinfra as ml\n"
        "ring = ml.deployment('flights').keys\n"
        "new = ring.create('app', days=1)\n"
        "print(repr(new), str(new), new._repr_mimebundle_(), ring, ring.list())\n"
        "assert new.header == {'Authorization': f'Bearer {new.key}'}\n"
        "print('KEY', new.key)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=True,
    )
    shown, _, key = run.stdout.rpartition("KEY ")
    assert key.strip().startswith("mlk_")
    assert key.strip() not in shown + run.stderr
    assert "app" in shown

    def mlinfra(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_mlinfra.cli", "deployments", "keys", *words],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    made = json.loads(mlinfra("flights", "create", "other", "--json"))
    assert made["key"].startswith(f"mlk_{made['id']}_")
    assert made["key"] not in mlinfra("flights", "list", "--json")
    assert "it is not shown again" in mlinfra("flights", "create")


def open_to_others(project: Project, folder: Path) -> int:
    """Settings with an address for other machines, over TLS; its port."""
    port = ports.choose(folder / "public")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", *names),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (folder / "key.pem").chmod(0o644)
    file = project.root / "mlinfra.toml"
    settings = (
        f'listen = "0.0.0.0:{port}"\ntls_certificate = "../cert.pem"\ntls_key = "../key.pem"\n'
    )
    file.write_text(file.read_text() + settings)
    return port


@pytest.mark.slow
def test_other_machines_ask_a_deployment_with_its_key_from_the_first_to_the_last(
    tmp_path: Path, models: dict[int, Path], kit: ModuleType
) -> None:
    project = kit.open_project(
        tmp_path / "p", '[deployments]\nworkers = 1\nruntime = "open-inference"\n'
    )
    try:
        _ask_from_outside(project, tmp_path, kit.Registry({1: models[1]}))
    finally:
        kit.clean_up(project)


def _ask_from_outside(project: Project, folder: Path, registry: Any) -> None:
    deployments = Deployments(project, registry)
    own = deployments.deploy("flights", version="flights/1").url
    body = deployments.show("flights").sample
    assert body is not None
    assert httpx.post(own, json=body).status_code == 200
    port = open_to_others(project, folder)
    project = Project.open(project.root)
    deployments = Deployments(project, registry)
    with pytest.raises(Unprocessable, match="Other users") as refused:
        deployments.up()
    assert "chmod 600" in refused.value.fix
    (folder / "key.pem").chmod(0o600)
    with pytest.raises(Unprocessable, match="No deployment has a valid key") as closed:
        deployments.up()
    assert "keys NAME create" in closed.value.why
    made = deployments.create_key("flights", "app")
    page = deployments.show("flights")
    assert page.gateway is not None
    assert (page.gateway.open, page.gateway.tls, page.gateway.problems) == (True, True, [])
    assert "$MLINFRA_KEY" in page.code["curl"]
    assert made.key not in json.dumps(page.code)
    url = f"https://localhost:{port}/seldon/test/flights/api/v1.0/predictions"
    assert page.deployment.urls["public"].partition("/seldon/")[2] == url.partition("/seldon/")[2]
    expected = deployments.predict("flights", body)
    said = subprocess.run(
        ["sh", "-c", page.code["curl"].replace(page.deployment.urls["public"], url)],
        env={**os.environ, "MLINFRA_KEY": made.key, "CURL_CA_BUNDLE": str(folder / "cert.pem")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(said)["data"]["ndarray"] == expected.predictions
    assert httpx.post(own, json=body).status_code == 401, "on this machine too, from now on"
    _only_these_listen(project, {("0.0.0.0", port), ("127.0.0.1", int(own.split(":")[2][:5]))})
    trust = ssl.create_default_context(cafile=folder / "cert.pem")
    header = {"Authorization": f"Bearer {made.key}"}
    with httpx.Client(verify=trust, headers=header) as client:
        assert client.post(url, json=body).status_code == 200
        other = deployments.create_key("flights", "other")
        deployments.revoke_key("flights", "app")
        assert client.post(url, json=body).status_code == 401, "on the connection that is open"
        assert (
            client.post(
                url, json=body, headers={"Authorization": f"Bearer {other.key}"}
            ).status_code
            == 200
        )
    content = stored(project)
    assert not any(key.split("_", 2)[2].encode() in content for key in (made.key, other.key))
    deployments.down()


def _only_these_listen(project: Project, expected: set[tuple[str, int]]) -> None:
    """Nothing of the project is reached over a network but the gateway."""
    pids = {
        pid
        for part in ("gateway", "serve", "keeper")
        for pid in with_token(token_of(project, part), begins=True)
    }
    found = {
        (item.laddr.ip, item.laddr.port)
        for pid in pids
        for item in psutil.Process(pid).net_connections("inet")
        if item.status == psutil.CONN_LISTEN
    }
    assert found == expected
