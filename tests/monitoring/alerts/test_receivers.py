"""Who is told: real HTTP servers, and the reference library of Standard Webhooks as oracle."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from jupyter_mlinfra.core.errors import Forbidden, MLInfraError, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.monitoring.alerts import receivers
from jupyter_mlinfra.monitoring.alerts.deliveries import DeliveryStore, queue
from jupyter_mlinfra.monitoring.alerts.delivering import ALARM, GIVE_UP_SECONDS, deliver
from jupyter_mlinfra.monitoring.alerts.receivers import send
from jupyter_mlinfra.monitoring.settings import Receiver

BODY = json.dumps({"alerts": [{"labels": {"alertname": "drift", "feature": "größe"}}]}).encode()
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Server:
    """An HTTP server that keeps what it was sent. answer: status, and where to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: tuple[int, str] = (200, "")
        self.seconds = 0.0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                time.sleep(server.seconds)
                self.send_response(server.answer[0])
                if server.answer[1]:
                    self.send_header("location", server.answer[1])
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/hook?a=b"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.socket.close()  # not `server_close`, which waits for answers in progress


@pytest.fixture
def serve() -> Iterator[Callable[[], Server]]:
    servers: list[Server] = []

    def start() -> Server:
        servers.append(Server())
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def receiver(**values: Any) -> Receiver:
    found: Receiver = TypeAdapter(Receiver).validate_python({"type": "webhook", **values})
    return found


@pytest.mark.parametrize("secret", [SECRET, "any text, also ö"])
def test_a_message_is_signed_as_standard_webhooks_verifies_it(
    serve: Callable[[], Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("OPS_KEY", secret)
    server = serve()
    send(
        tmp_path,
        receiver(url=server.url, secret="env:OPS_KEY", private=True),
        "msg_1",
        BODY,
        time.time(),
    )
    ((headers, body),) = server.got
    key = secret if secret == SECRET else base64.b64encode(secret.encode()).decode()
    assert Webhook(key).verify(body, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body + b" ", headers)
    assert secret not in str(headers)


def test_a_message_that_was_recorded_cannot_be_sent_again_later(
    serve: Callable[[], Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_KEY", SECRET)
    server = serve()
    hook = receiver(url=server.url, secret="env:OPS_KEY", private=True)
    send(tmp_path, hook, "msg_1", BODY, time.time() - 600)
    headers, body = server.got[0]
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(body, headers)
    again = {**headers, "webhook-timestamp": str(int(time.time()))}
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(SECRET).verify(body, again)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://10.0.0.7/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/x",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://[64:ff9b::a9fe:a9fe]/x",
        "https://[64:ff9b::808:808]/x",
        "https://[64:ff9b:1::a00:1]/x",
        "https://[2002:7f00:1::]/x",
        "https://[2002:a9fe:a9fe::1]/x",
        "https://[2001:0:7f00:1::1]/x",
        "https://[::7f00:1]/x",
        "https://[::ffff:169.254.169.254]/x",
        "https://[fd00:ec2::254]/x",
        "https://168.63.129.16/x",
        "http://93.184.216.34/x",
    ],
)
def test_a_receiver_is_not_called_in_the_private_network_nor_by_http(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(Forbidden):
        send(tmp_path, receiver(url=url), "msg_1", BODY, time.time())


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/x",
        "http://[fe80::1]/",
        "http://0.0.0.0",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
    ],
)
def test_the_address_where_clouds_give_credentials_is_never_called(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(Forbidden):
        send(tmp_path, receiver(url=url, private=True), "msg_1", BODY, time.time())


def test_a_name_that_leads_elsewhere_a_moment_later_is_not_followed(
    serve: Callable[[], Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was checked is the one that is called (DNS rebinding)."""
    server, asked = serve(), list[str]()
    port = server.url.split(":")[2].split("/")[0]

    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **named: Any) -> list[Any]:
        if host != "hooks.example":
            return real(host, *args, **named)
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "169.254.169.254", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hook = receiver(url=f"http://hooks.example:{port}/x", private=True)
    send(tmp_path, hook, "msg_1", BODY, time.time())
    assert len(asked) == 1
    assert server.got[0][0]["host"] == f"hooks.example:{port}"


def test_a_redirect_is_a_failure_and_is_not_followed(
    serve: Callable[[], Server], tmp_path: Path
) -> None:
    server, other = serve(), serve()
    server.answer = (307, other.url)
    with pytest.raises(Unavailable, match="307"):
        send(tmp_path, receiver(url=server.url, private=True), "msg_1", BODY, time.time())
    assert not other.got


def test_no_secret_is_in_any_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_URL", "http://127.0.0.1:9/hidden-token")
    hook = receiver(url="env:OPS_URL", private=True)
    with pytest.raises(Unavailable) as refused:
        send(tmp_path, hook, "msg_1", BODY, time.time())
    assert "hidden" not in str(refused.value)
    assert refused.value.__cause__ is None
    monkeypatch.delenv("OPS_URL")
    with pytest.raises(NotFound, match="env:OPS_URL"):
        send(tmp_path, hook, "msg_1", BODY, time.time())


@pytest.mark.parametrize(
    "values",
    [
        {"type": "webhook", "url": "https://example.org", "secret": "in clear"},
        {"type": "webhook", "url": "https://user:word@example.org"},
        {"type": "webhook", "url": "file:///etc/passwd"},
        {"type": "file", "path": "../out"},
        {"type": "file", "path": "/etc/out"},
        {"type": "mail"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Receiver).validate_python(values)


def test_a_file_gets_a_line_for_each_message_and_a_link_out_of_the_project_is_not_followed(
    tmp_path: Path,
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    file: Receiver = TypeAdapter(Receiver).validate_python({"type": "file", "path": "out/a.jsonl"})
    for _ in range(2):
        send(root, file, "msg_1", BODY, 0.0)
    written = (root / "out" / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == [json.loads(BODY)] * 2
    (root / "out" / "a.jsonl").unlink()
    (root / "out" / "a.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MLInfraError):
        send(root, file, "msg_1", BODY, 0.0)
    assert not (tmp_path / "elsewhere").exists()


def test_a_line_that_the_disk_took_a_part_of_has_not_arrived_and_is_written_whole_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file: Receiver = TypeAdapter(Receiver).validate_python({"type": "file", "path": "a.jsonl"})
    send(tmp_path, file, "msg_1", BODY, 0.0)
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
        with pytest.raises(MLInfraError, match="was not written"):
            send(tmp_path, file, "msg_2", BODY, 0.0)
    send(tmp_path, file, "msg_2", BODY, 0.0)
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(BODY)] * 2


def configured(project: Project, **servers: Server) -> Project:
    """The project with a webhook for each server, by name."""
    text = "".join(
        f'[monitoring.receivers.{name}]\ntype = "webhook"\nurl = "{server.url}"\nprivate = true\n'
        for name, server in servers.items()
    )
    (project.root / "mlinfra.toml").write_text(text)
    return Project(project.root)


def put(project: Project, at: float, *names: str) -> None:
    with project.database.write() as connection:
        for name in names:
            queue(connection, name, json.loads(BODY), at)


def states(project: Project) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in DeliveryStore(project.database).list().items[::-1]:
        found.setdefault(item.receiver, []).append(item.state)
    return found


def test_a_receiver_that_hangs_delays_no_other(
    serve: Callable[[], Server], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "TIMEOUT_SECONDS", 6.0)
    slow, quick = serve(), serve()
    slow.seconds = 9.0
    project = configured(project, slow=slow, quick=quick)
    at = time.time()
    put(project, at, "slow", "slow", "slow", "quick", "quick")
    said: list[str] = []
    done = threading.Thread(target=deliver, args=(project, said.append))
    done.start()
    while len(quick.got) < 2 and time.time() < at + 5.5:
        time.sleep(0.01)
    assert len(quick.got) == 2, "while the other still hangs"
    done.join(30)
    assert time.time() - at < 12, "the messages behind one that failed wait with it"
    assert states(project) == {"slow": ["waiting"] * 3, "quick": ["delivered"] * 2}
    assert [line for line in said if "a message to slow did not arrive" in line]


def test_a_receiver_that_sends_a_byte_now_and_then_has_no_more_time_than_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "TIMEOUT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                for _ in range(100):
                    connection.sendall(b"x: y\r\n")
                    time.sleep(0.2)

        threading.Thread(target=drip, daemon=True).start()
        hook = receiver(url=f"http://127.0.0.1:{listener.getsockname()[1]}/", private=True)
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="could not be reached"):
            send(tmp_path, hook, "msg_1", BODY, time.time())
        assert time.monotonic() - begun < 5


def test_what_becomes_due_while_a_receiver_is_slow_arrives_meanwhile(
    serve: Callable[[], Server], project: Project
) -> None:
    slow, quick = serve(), serve()
    slow.seconds = 4.0
    project = configured(project, slow=slow, quick=quick)
    put(project, time.time(), "slow")
    done = threading.Thread(target=deliver, args=(project, print))
    done.start()
    until = time.monotonic() + 20
    while not slow.got:
        assert time.monotonic() < until
        time.sleep(0.01)
    put(project, time.time() - 1, "quick")
    while not quick.got:
        assert done.is_alive(), "while the other is still at work"
        assert time.monotonic() < until
        time.sleep(0.01)
    done.join(30)
    assert states(project) == {"slow": ["delivered"], "quick": ["delivered"]}


def test_a_message_is_tried_again_with_growing_pauses_under_the_same_id_and_given_up_after_a_day(
    serve: Callable[[], Server], project: Project
) -> None:
    server = serve()
    server.answer = (503, "")
    project = configured(project, ops=server)
    begun = time.time()
    put(project, begun, "ops")
    store, clock, pauses = DeliveryStore(project.database), begun, []
    while (next_at := store.next_at()) is not None:
        pauses.append(next_at - clock)
        clock = next_at
        deliver(project, lambda _: None, clock=lambda at=next_at: at)
        assert len(server.got) < 100
    assert pauses[:5] == pytest.approx([0, 30, 60, 120, 240], abs=0.01)
    assert max(pauses) == pytest.approx(3600, abs=0.01)
    assert GIVE_UP_SECONDS - 3600 <= clock - begun <= GIVE_UP_SECONDS
    assert states(project) == {"ops": ["given_up"]}
    assert len({headers["webhook-id"] for headers, _ in server.got}) == 1
    assert "answered 503" in store.list().items[0].error


def alarm(project: Project) -> float | None:
    from jupyter_mlinfra.jobs import read_alarms

    return next((item.due_at for item in read_alarms(project.database) if item.name == ALARM), None)


def test_a_message_that_waits_has_an_alarm_and_arrives_once_the_receiver_is_back(
    serve: Callable[[], Server], project: Project
) -> None:
    server = serve()
    server.answer = (500, "")
    project = configured(project, ops=server)
    put(project, time.time(), "ops", "nobody")
    deliver(project, lambda _: None)
    waits = alarm(project)
    assert waits is not None
    assert 20 < waits - time.time() <= 31
    server.answer = (204, "")
    assert deliver(project, lambda _: None, clock=lambda: time.time() + 40) == 1
    assert states(project) == {"ops": ["delivered"], "nobody": ["waiting"]}
    assert "no receiver nobody" in DeliveryStore(project.database).list().items[0].error


def test_a_message_of_another_process_that_comes_while_the_alarm_is_set_has_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, other = project.database.write, Project(project.root)

    @contextlib.contextmanager
    def late() -> Iterator[Any]:
        put(other, time.time() + 60, "ops")
        with write() as connection:
            yield connection

    monkeypatch.setattr(project.database, "write", late)
    assert deliver(project, print) == 0
    assert alarm(project) is not None


def test_without_messages_there_is_no_alarm(project: Project) -> None:
    assert deliver(project, print) == 0
    assert alarm(project) is None
