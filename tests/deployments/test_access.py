"""Who may send requests: the real Envoy, with TLS, before workers that count what reaches them."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import psutil
import pytest
from wire import Caller, field

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.deployments.access.keys import digest, new_key
from jupyter_mlinfra.deployments.access.listening import check_pair, public_address
from jupyter_mlinfra.deployments.gateway import DeploymentPlan, KeyPlan, Keys, VersionPlan
from jupyter_mlinfra.deployments.runtime import grpc_calls
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets import ports
from jupyter_mlinfra.deployments.targets.envoy import (
    admin,
    configuration,
    health,
    process,
    public,
    watched_files,
)
from jupyter_mlinfra.deployments.targets.envoy.public import PublicGate

sys.path.insert(0, str(Path(__file__).parent))
envoys = importlib.import_module("test_gateway")

OWNER = Keys(probe="the mark of our own tests", token="the token of the project")
GRPC = {"content-type": "application/grpc", "te": "trailers"}
PATH = "/seldon/test/flights/api/v1.0/predictions"


def make_pair(folder: Path, name: str = "server", days: int = 2) -> tuple[Path, Path]:
    """A certificate of localhost that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].touch(mode=0o600)
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def plan_of(
    keys: Mapping[str, KeyPlan], *, name: str = "flights", rate: float = 0.0
) -> DeploymentPlan:
    return DeploymentPlan(
        name=name,
        namespace="test",
        versions=[VersionPlan(version="v1", sockets=[f"{name}.sock"])],
        weights={"v1": 100},
        keys=keys,
        rate=rate,
    )


@contextlib.contextmanager
def opened(
    folder: Path, kit: ModuleType, settings: str = ""
) -> Iterator[tuple[PublicGate, int, Callable[[], Any]]]:
    """The gate of a project with TLS at a free port, which is not open yet; and what reads its
    certificate.
    """
    certificate, key = make_pair(folder)
    port = ports.choose(folder / "public")
    project = kit.open_project(
        folder / "project",
        f'[deployments]\nlisten = "0.0.0.0:{port}"\ntls_certificate = "{certificate}"\n'
        f'tls_key = "{key}"\n{settings}',
    )
    gate = PublicGate(project)

    def served() -> str:
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    yield gate, port, served
    gate.release()
    project.database.close()


def post(base: str, path: str = PATH, **options: Any) -> httpx.Response:
    with httpx.Client(verify=options.pop("verify", True), http2=False) as client:
        return client.post(f"{base}{path}", **{"content": b"{}", **options})


def framed(service: str) -> bytes:
    """The question about the health of a service, as gRPC has it in a body."""
    message = field(1, service) if service else b""
    return len(message).to_bytes(5, "big") + message


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_each_deployment_takes_its_own_keys_alone_and_the_worker_sees_none(here: Path) -> None:
    seen: list[Mapping[str, str]] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.append(dict(headers))
        return 200

    (id, key), (other_id, other) = new_key(), new_key()
    (old_id, old), (long_id, long) = new_key(), new_key()
    hour = 3_600_000
    at = int(time.time() * 1000)
    plans = [
        plan_of(
            {
                id: KeyPlan(digest=digest(key)),
                old_id: KeyPlan(digest=digest(old), ends_ms=at - 1),
                long_id: KeyPlan(digest=digest(long), ends_ms=at + hour),
            }
        ),
        plan_of({other_id: KeyPlan(digest=digest(other))}, name="fares"),
    ]
    with envoys.real_envoy(here, plans, answer, OWNER) as base:
        assert post(base, headers=bearer(long)).status_code == 200
        assert post(base, headers=bearer(key)).status_code == 200
        assert post(base, headers=bearer(OWNER.token)).status_code == 200
        assert post(base, "/v2/models/flights/infer", headers=bearer(key)).status_code == 200
        assert len(seen) == 4
        forged = f"mlk_{id}_{other.rpartition('_')[2]}"
        wrong = [
            old,
            key[:-1],
            key + "x",
            other,
            forged,
            digest(key),
            "-",
            "x" * 5000,
            f"mlk_{id}_",
        ]
        refused = [post(base, headers=bearer(given)) for given in wrong]
        refused += [post(base), post(base, headers={"Authorization": f"Basic {key}"})]
        refused.append(post(base, f"{PATH}?key={key}"))
        assert {item.status_code for item in refused} == {401}
        assert {item.headers["www-authenticate"] for item in refused} == {"Bearer"}
        assert {item.json()["what"] for item in refused} == {"The request has no valid key."}
        assert not any(given in item.text for given in (key, other, old) for item in refused)
    assert len(seen) == 4
    assert not any("authorization" in {name.lower() for name in item} for item in seen)
    written = "".join(path.read_text() for path in here.glob("*.json"))
    assert not any(given in written for given in (key, other, old))


def test_a_call_of_grpc_without_a_key_is_told_so_in_its_own_words(here: Path) -> None:
    id, key = new_key()
    with envoys.real_envoy(here, [plan_of({id: KeyPlan(digest=digest(key))})], _ok, OWNER) as base:
        found = post(base, headers=GRPC)
        assert (found.status_code, found.headers["grpc-status"]) == (200, "16")  # UNAUTHENTICATED
        assert found.headers["content-type"] == "application/grpc"
        assert found.headers["grpc-message"].startswith("The request has no valid key.")
        caller = Caller(base.removeprefix("http://"))
        check, named = "/grpc.health.v1.Health/Check", field(1, "flights")
        assert caller.call(check, named).code == "UNAUTHENTICATED"
        assert caller.call(check, named, authorization=f"Bearer {key}").message == b"\x08\x01"
        assert caller.call(check).message == b"\x08\x01"  # as of the server as such
        caller.close()


def test_without_the_need_of_a_key_a_wrong_one_is_refused_all_the_same(here: Path) -> None:
    id, key = new_key()
    unlocked = Keys(probe=OWNER.probe)
    with envoys.real_envoy(
        here, [plan_of({id: KeyPlan(digest=digest(key))})], _ok, unlocked
    ) as base:
        assert post(base).status_code == 200
        assert post(base, headers=bearer(key)).status_code == 200
        assert post(base, headers=bearer(key[:-1])).status_code == 401


def test_where_no_key_is_valid_and_none_needed_any_is_answered_and_reaches_no_worker(
    here: Path,
) -> None:
    """As after the last key was revoked: the table in docs/deployments.md."""
    seen: list[str] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.extend(headers)
        return 200

    _, revoked = new_key()
    with envoys.real_envoy(here, [plan_of({})], answer, Keys(probe=OWNER.probe)) as base:
        assert post(base, headers=bearer(revoked) | {"X-Own": "1"}).status_code == 200
    assert "x-own" in seen
    assert "authorization" not in seen


@pytest.mark.parametrize("length", [0, 1, 43, 55, 56, 63, 64, 119, 120, 190])
def test_the_hash_is_that_of_hashlib(here: Path, length: int) -> None:
    token = "t" * length or "t"
    with envoys.real_envoy(here, [plan_of({})], _ok, Keys(probe=OWNER.probe, token=token)) as base:
        assert post(base, headers=bearer(token)).status_code == 200
        assert post(base, headers=bearer(f"u{token[1:]}")).status_code == 401


def _ok(*_: Any) -> int:
    return 200


def test_other_machines_need_a_key_over_tls_and_reach_nothing_else(
    here: Path, tmp_path: Path, kit: ModuleType
) -> None:
    seen: list[Mapping[str, str]] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.append({name.lower(): value for name, value in headers.items()})
        return 200

    id, key = new_key()
    plan = plan_of({id: KeyPlan(digest=digest(key))})
    with (
        opened(tmp_path, kit, "max_body_mib = 0.01\n") as (gate, port, _),
        envoys.real_envoy(here, [plan], answer, OWNER) as base,
    ):
        own = int(base.rpartition(":")[2])
        gate.keep([plan_of({})], OWNER, own_port=own)
        assert not gate.is_open
        assert "keys NAME create" in gate.problem
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        gate.keep([plan], OWNER, own_port=own)
        assert gate.is_open, gate.problem
        outside = f"https://localhost:{port}"
        trust = ssl.create_default_context(cafile=tmp_path / "server.crt")
        with httpx.Client(verify=trust, base_url=outside) as client:
            forged = {"x-envoy-upstream-rq-timeout-ms": "1", "x-mlinfra-probe": OWNER.probe}
            assert client.post(PATH, headers=bearer(key) | forged, content=b"{}").is_success
            assert "x-mlinfra-probe" not in seen[-1]
            assert "x-envoy-internal" not in seen[-1]
            assert client.post(PATH, headers=bearer(OWNER.token), content=b"{}").status_code == 401
            foreign = ["/", "/stats", "/config_dump", "/quitquitquit", "/metrics", "/admin", PATH]
            for path in (*foreign, "/%2e%2e/stats", "//stats", "/v2/models/none/infer"):
                assert client.post(path, content=b"{}").status_code == 401, path
                found = client.post(path, content=b"{}", headers=bearer(key))
                assert found.status_code == (200 if path == PATH else 401), path
            assert client.get("/v2/health/live").json() == {"live": True}
            asked = len(seen)
            for method, end in (
                ("ServerLive", b"\x08\x01"),
                ("ServerReady", b"\x08\x01"),
                ("ServerMetadata", b"binary_tensor_data"),
            ):
                found = client.post(f"{grpc_calls.V2}{method}", content=framed(""), headers=GRPC)
                assert found.content.endswith(end), method
            assert len(seen) == asked, "a stranger reaches no worker"
            for service in ("", *health.SERVICES):  # each asks a worker of every version
                call = {"content": framed(service), "headers": GRPC}
                assert client.post(health.CHECK, **call).headers["grpc-status"] == "16", service
                call["headers"] = GRPC | bearer(key)
                assert client.post(health.CHECK, **call).content.endswith(b"\x08\x01"), service
            large = client.post(PATH, headers=bearer(key), content=b"x" * 20_000)
            assert (large.status_code, large.json()["what"]) == (413, "The request is too large.")
            # A key that ends is refused on a connection that stays open.
            gate.keep([plan_of({})], OWNER, own_port=own)
            assert not gate.is_open
            with contextlib.suppress(httpx.TransportError):  # it may be closed already
                assert client.post(PATH, headers=bearer(key), content=b"{}").status_code == 401
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        assert post(base, headers=bearer(OWNER.token)).status_code == 200


def test_a_listener_that_does_not_say_what_it_uses_is_behind_until_it_does(
    here: Path, tmp_path: Path, kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Envoy is a switch here: whether it says that it uses what was written."""
    says, asked, written = [True], [0], dict[str, str]()

    def publish(contents: Mapping[str, str], **_: Any) -> bool:
        asked[0] += 1
        for name, text in contents.items():
            written[name] = text
            (here / name).write_text(text)
        return says[0]

    monkeypatch.setattr(watched_files, "publish", publish)
    (first, key), (second, other) = new_key(), new_key()
    both = {first: KeyPlan(digest=digest(key)), second: KeyPlan(digest=digest(other))}
    with opened(tmp_path, kit) as (gate, _, _):
        gate.keep([plan_of(both)], OWNER, own_port=0)
        assert (gate.is_open, gate.behind) == (True, False)
        says[0] = False
        left = {second: both[second]}
        for _ in range(2):  # also while it is not opened again yet
            gate.keep([plan_of(left)], OWNER, own_port=0)
            assert (gate.is_open, gate.behind) == (False, True)
            assert "does not say that it is closed" in gate.problem
        assert not any(digest(item) in "".join(written.values()) for item in (key, other))
        gate.keep([plan_of({})], OWNER, own_port=0)
        assert gate.behind, "it is asked again, although its file says that it is closed"
        before = asked[0]
        gate.keep([plan_of({})], OWNER, own_port=0)
        assert asked[0] == before, "each try takes a while: not in every round of the keeper"
        monkeypatch.setattr(public, "CLOSE_SECONDS", 0.0)
        gate._close_at = 0.0
        adopted = PublicGate(gate._project)
        adopted.keep([plan_of({})], OWNER, own_port=0)
        assert adopted.behind, "a keeper that takes over does not know better"
        says[0] = True
        for each in (gate, adopted):
            each.keep([plan_of({})], OWNER, own_port=0)
            assert (each.is_open, each.behind) == (False, False)


def test_who_does_not_answer_is_not_taken_for_one_that_uses_no_old_routes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = configuration.public_routes([plan_of({})], OWNER)
    ((stat, version),) = (configuration.acknowledged_by(*item) for item in contents.items())
    for found, right in (
        (None, False),
        ({0: {}}, True),
        ({0: {}, 1: {stat: "other"}}, False),
        ({0: {}, 1: {stat: version}}, True),
    ):
        monkeypatch.setattr(admin, "statistics", lambda _, found=found: found)
        assert watched_files.publish(contents, timeout=0.0, if_used=True) is right


def test_a_certificate_is_read_again_when_its_files_change(
    here: Path, tmp_path: Path, kit: ModuleType
) -> None:
    id, key = new_key()
    plan = plan_of({id: KeyPlan(digest=digest(key))})
    with (
        opened(tmp_path, kit) as (gate, port, served),
        envoys.real_envoy(here, [plan], _ok, OWNER),
    ):
        gate.keep([plan], OWNER, own_port=0)
        first = served()
        newer = make_pair(tmp_path, "newer")
        (tmp_path / "server.crt").write_bytes(newer[0].read_bytes())  # half of the change
        gate.keep([plan], OWNER, own_port=0)
        assert gate.is_open
        assert "cannot be used for TLS" in gate.problem
        assert served() == first
        (tmp_path / "server.key").write_bytes(newer[1].read_bytes())
        gate.keep([plan], OWNER, own_port=0)
        assert gate.problem == ""
        deadline = time.monotonic() + 10
        while served() == first:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(list(here.glob("tls.*"))) == 2
        assert all(path.is_symlink() for path in here.glob("tls.*"))
        trust = ssl.create_default_context(cafile=newer[0])
        found = post(f"https://localhost:{port}", headers=bearer(key), verify=trust)
        assert found.status_code == 200


def test_connections_beyond_the_limit_are_closed(
    here: Path, tmp_path: Path, kit: ModuleType
) -> None:
    id, key = new_key()
    plan = plan_of({id: KeyPlan(digest=digest(key))})
    with (
        opened(tmp_path, kit, "max_connections = 2\n") as (gate, port, _),
        envoys.real_envoy(here, [plan], _ok, OWNER),
        contextlib.ExitStack() as stack,
    ):
        gate.keep([plan], OWNER, own_port=0)
        trust = ssl.create_default_context(cafile=tmp_path / "server.crt")

        def ask() -> int:
            client = stack.enter_context(httpx.Client(verify=trust))
            url = f"https://localhost:{port}{PATH}"
            return client.post(url, headers=bearer(key), content=b"{}").status_code

        assert [ask(), ask()] == [200, 200]
        with pytest.raises(httpx.TransportError):
            ask()


def test_a_port_that_another_program_has_is_named_and_costs_the_own_address_nothing(
    here: Path, tmp_path: Path, kit: ModuleType
) -> None:
    id, key = new_key()
    plan = plan_of({id: KeyPlan(digest=digest(key))})
    with (
        opened(tmp_path, kit) as (gate, port, _),
        envoys.real_envoy(here, [plan], _ok, OWNER) as base,
        socket.create_server(("0.0.0.0", port)),
    ):
        gate.keep([plan], OWNER, own_port=0)
        assert not gate.is_open
        assert str(port) in gate.problem
        assert str(os.getpid()) in gate.problem
        assert post(base, headers=bearer(key)).status_code == 200


def test_requests_beyond_the_rate_are_told_when_to_come_again_and_our_own_tests_never(
    here: Path,
) -> None:
    plans = [plan_of({}, rate=0.05), plan_of({}, name="fares")]
    with envoys.real_envoy(here, plans, _ok) as base:
        paths = [PATH, "/v2/models/flights/infer"] * 5
        found = [post(base, path) for path in paths]
        refused = [item for item in found if item.status_code == 429]
        # One bucket for all paths: one at once, then one in 20 s.
        assert found[0].status_code == 200
        assert len(refused) >= 8
        assert {item.headers["retry-after"] for item in refused} == {"20"}
        assert {item.json()["fix"].partition(";")[0] for item in refused} == {
            "Send it again after the seconds in Retry-After"
        }
        probe = {"x-mlinfra-probe": envoys.KEYS.probe}
        assert {post(base, headers=probe).status_code for _ in range(10)} == {200}
        fares = PATH.replace("flights", "fares")
        assert {post(base, fares).status_code for _ in range(10)} == {200}


def test_the_admin_of_envoy_is_a_socket_that_only_its_owner_opens(here: Path) -> None:
    with envoys.real_envoy(here, [plan_of({})], _ok) as base:
        assert (here / "admin.0.sock").stat().st_mode & 0o077 == 0
        for path in ("/stats", "/config_dump", "/quitquitquit", "/server_info"):
            assert post(base, path).status_code == 404
        port = int(base.rpartition(":")[2])
        listening = {
            item.laddr.ip
            for item in psutil.net_connections("tcp")
            if item.status == psutil.CONN_LISTEN and item.laddr.port == port
        }
        assert listening == {"127.0.0.1"}


def test_a_gateway_process_that_cannot_start_is_seen_while_the_other_one_answers(
    here: Path, tmp_path: Path, kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = kit.open_project(tmp_path / "project")
    begin = process.command
    monkeypatch.setattr(process, "command", lambda number: ["/none"] if number else begin(number))
    gateway = process.Gateway(project, DeploymentStore(project.database, project.name))
    try:
        assert gateway.keep([])
        state = gateway.state()
        assert (state.running, state.processes) == (1, 2)
        (problem,) = state.problems
        assert problem.startswith("Gateway process 2 of 2: The gateway does not start.")
        monkeypatch.undo()
        monkeypatch.chdir(here)
        deadline = time.monotonic() + 30
        while gateway.state().running < 2:
            assert time.monotonic() < deadline
            gateway.keep([])
            time.sleep(0.1)
        assert gateway.state().problems == []
    finally:
        gateway.kill()
        project.database.close()


def test_an_envoy_of_a_version_without_these_filters_is_not_taken_over() -> None:
    text = configuration.bootstrap(port=1234, max_body_bytes=1 << 20)
    assert configuration.is_current(text)
    assert configuration.is_current(configuration.bootstrap(1, port=99, max_body_bytes=7))
    document = json.loads(text)
    document["node"]["metadata"]["form"] = "other"
    assert not configuration.is_current(json.dumps(document))
    del document["node"]["metadata"]  # of a version that noted no form
    assert not configuration.is_current(json.dumps(document))
    assert not configuration.is_current("")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_a_key_of_tls_that_others_can_read_is_refused_with_what_to_do(
    tmp_path: Path, mode: int
) -> None:
    certificate, key = make_pair(tmp_path)
    check_pair(certificate, key)
    key.chmod(mode)
    with pytest.raises(Unprocessable, match="Other users") as refused:
        check_pair(certificate, key)
    assert f"chmod 600 {key}" in refused.value.fix


def test_files_that_do_not_belong_together_or_need_a_password_are_refused(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path)
    _, other = make_pair(tmp_path, "other")
    with pytest.raises(Unprocessable, match="cannot be used for TLS"):
        check_pair(certificate, other)
    locked = tmp_path / "locked.key"
    locked.touch(mode=0o600)
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked],
        check=True,
        capture_output=True,
    )
    with pytest.raises(Unprocessable, match="cannot be used for TLS"):
        check_pair(certificate, locked)
    with pytest.raises(Unprocessable, match=r"none\.key cannot be read"):
        check_pair(certificate, tmp_path / "none.key")


@pytest.mark.parametrize("listen", ["8443", "example.org:8443", "0.0.0.0:0", "0.0.0.0:x", ":8443"])
def test_an_address_that_is_none_is_refused_with_an_example(
    tmp_path: Path, kit: ModuleType, listen: str
) -> None:
    project = kit.open_project(tmp_path, f'[deployments]\nlisten = "{listen}"\n')
    with pytest.raises(BadRequest, match="is not an address") as refused:
        public_address(project)
    assert "0.0.0.0:8443" in refused.value.fix
    project.database.close()
