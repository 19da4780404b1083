"""A keeper that takes over: the real Envoy lives on with the address for other machines open."""

from __future__ import annotations

import importlib
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import httpx
import psutil
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.access.keys import digest, new_key
from jupyter_mlinfra.deployments.gateway import DeploymentPlan, KeyPlan
from jupyter_mlinfra.deployments.targets import ports
from jupyter_mlinfra.deployments.targets.envoy.public import PublicGate

sys.path.insert(0, str(Path(__file__).parent))
access = importlib.import_module("test_access")
here = access.here


def test_a_keeper_that_takes_over_keeps_an_open_listener_and_ends_what_ended_meanwhile(
    here: Path, tmp_path: Path, kit: ModuleType
) -> None:
    """Envoy lives on while its keeper is killed: what it serves is not interrupted, and what nobody
    could tell it in between holds from the first look of the next keeper on.
    """
    (first, key), (second, other) = new_key(), new_key()
    keys = {first: KeyPlan(digest=digest(key)), second: KeyPlan(digest=digest(other))}
    whole, left = access.plan_of(keys), access.plan_of({second: keys[second]})
    with (
        access.opened(tmp_path, kit) as (gate, port, served),
        access.envoys.real_envoy(here, [whole], access._ok, access.OWNER) as base,
    ):
        own = int(base.rpartition(":")[2])

        def next_keeper(plan: DeploymentPlan, project: Project = gate._project) -> PublicGate:
            gate.release()  # as the end of its process does
            found = PublicGate(project)
            found.keep([plan], access.OWNER, own_port=own)
            return found

        gate.keep([whole], access.OWNER, own_port=own)
        trust = ssl.create_default_context(cafile=tmp_path / "server.crt")
        with httpx.Client(verify=trust, base_url=f"https://localhost:{port}") as client:

            def ask(key: str) -> int:
                return client.post(
                    access.PATH, headers=access.bearer(key), content=b"{}"
                ).status_code

            assert ask(key) == 200
            (before,) = _connections_to(port)
            same = next_keeper(whole)
            assert (same.is_open, same.encrypted, same.behind, same.problem) == (
                True,
                True,
                False,
                "",
            )
            assert (ask(key), ask(other)) == (200, 200)
            revoked = next_keeper(left)
            assert (revoked.is_open, revoked.behind) == (True, False)
            assert ask(other) == 200
            assert [*_connections_to(port)] == [before], "no connection was cut off"
            assert ask(key) == 401

            # Whoever writes the certificate anew is half done when the next keeper starts.
            certificate = served()
            newer = access.make_pair(tmp_path, "newer")
            (tmp_path / "server.crt").write_bytes(newer[0].read_bytes())
            half = next_keeper(left)
            assert "cannot be used for TLS" in half.problem
            assert (half.is_open, half.encrypted, half.behind) == (True, True, False)
            assert (served(), ask(other)) == (certificate, 200)
        (tmp_path / "server.key").write_bytes(newer[1].read_bytes())
        renewed = next_keeper(left)
        assert (renewed.is_open, renewed.problem) == (True, "")
        assert _becomes(lambda: served() != certificate)
        assert len(list(here.glob("tls.*"))) == 2

        # The address was taken from the settings.
        closed = next_keeper(left, kit.open_project(tmp_path / "other"))
        assert (closed.is_open, closed.behind, closed.problem) == (False, False, "")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        assert access.post(base, headers=access.bearer(other)).status_code == 200


def test_a_keeper_that_takes_over_moves_the_listener_to_the_port_of_the_settings(
    here: Path, tmp_path: Path, kit: ModuleType
) -> None:
    id, key = new_key()
    plan = access.plan_of({id: KeyPlan(digest=digest(key))})
    with (
        access.opened(tmp_path, kit) as (gate, port, _),
        access.envoys.real_envoy(here, [plan], access._ok, access.OWNER),
    ):
        gate.keep([plan], access.OWNER, own_port=0)
        gate.release()
        other = ports.choose(tmp_path / "other")
        address = f'[deployments]\nlisten = "127.0.0.1:{other}"\n'
        plain = kit.open_project(tmp_path / "plain", address)
        moved = PublicGate(plain)
        moved.keep([plan], access.OWNER, own_port=0)
        assert (moved.is_open, moved.encrypted, moved.behind) == (True, False, False)
        assert (
            access.post(f"http://127.0.0.1:{other}", headers=access.bearer(key)).status_code == 200
        )
        assert _becomes(lambda: _refused(port))

        # TLS was asked for, with files that cannot be used: what has none does not stay open.
        moved.release()
        tls = f'{address}tls_certificate = "{tmp_path}/none.crt"\ntls_key = "{tmp_path}/none.key"\n'
        secured = PublicGate(kit.open_project(tmp_path / "secured", tls))
        secured.keep([plan], access.OWNER, own_port=0)
        assert (secured.is_open, secured.behind) == (False, False)
        assert "cannot be read" in secured.problem
        assert _becomes(lambda: _refused(other))


def _connections_to(port: int) -> Iterator[tuple[str, int]]:
    """The ends of this process's connections to a port of this machine."""
    for item in psutil.Process().net_connections("tcp"):
        if item.raddr and item.raddr.port == port and item.status == psutil.CONN_ESTABLISHED:
            yield item.laddr


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def _becomes(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
