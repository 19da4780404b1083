"""Lineage that goes to an OpenLineage endpoint as well."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.lineage import Lineage
from jupyter_mlinfra.core.lineage.sending import Sender
from jupyter_mlinfra.core.project import Project


class Receiver:
    """An endpoint that keeps what it takes. answers: what it does with the next requests instead of
    taking them: a status, or 0 to close the connection.
    """

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.keys: list[str | None] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.keys.append(self.headers["Authorization"])
                status = receiver.answers.pop(0) if receiver.answers else 201
                if status == 0:
                    self.close_connection = True
                    return
                if status == 201:
                    receiver.jobs.append(body["job"]["name"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/v1/lineage"

    def wait(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not done():
            assert time.monotonic() < end, self.jobs
            time.sleep(0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, daemon=True).start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def record(folder: Path, *jobs: str, sender: Sender | None = None) -> None:
    lineage = Lineage(folder, namespace="test", sender=sender)
    for job in jobs:
        lineage.record(job, inputs=["dataset:a.b@1"], outputs=["view:v"])


def test_each_event_is_sent_once_and_those_of_processes_that_are_gone_too(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lineage"
    record(folder, "one", "two")
    next(folder.glob("*.jsonl")).rename(folder / "gone-1-1.jsonl")
    with (folder / "gone-1-1.jsonl").open("a") as torn:
        torn.write('{"eventType": "COMP')
    monkeypatch.setenv("LINEAGE_KEY", "s3cr3t-key")
    sender = Sender(folder, receiver.url, "env:LINEAGE_KEY")
    record(folder, "three", sender=sender)
    receiver.wait(lambda: len(receiver.jobs) == 3)
    assert sender.send() == ""
    assert Sender(folder, receiver.url).send() == ""
    assert sorted(receiver.jobs) == ["one", "three", "two"]
    assert receiver.jobs.index("one") < receiver.jobs.index("two")
    assert set(receiver.keys) == {"Bearer s3cr3t-key"}
    assert not any("s3cr3t" in path.read_text() for path in folder.iterdir())


def test_an_endpoint_that_fails_is_asked_again_and_what_it_refuses_is_passed_over(
    tmp_path: Path, receiver: Receiver
) -> None:
    record(tmp_path, "one", "two", "three")
    receiver.answers = [503]
    sender = Sender(tmp_path, receiver.url)
    assert sender.send().startswith("503")
    receiver.answers = [0]
    assert "RemoteProtocolError" in sender.send()
    receiver.answers = [201, 401]
    assert sender.send().startswith("401"), "a wrong key loses no event"
    assert receiver.jobs == ["one"]
    receiver.answers = [422]
    assert sender.send() == ""
    assert receiver.jobs == ["one", "three"]
    sent = sender.sent()
    assert (sent.events, sent.refused, sent.why) == (2, 1, "422 ")


def test_an_endpoint_that_is_silent_delays_no_writer(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:
        url = f"http://127.0.0.1:{silent.server_address[1]}"  # nobody accepts
        sender = Sender(tmp_path, url)
        begin = time.monotonic()
        record(tmp_path, *(f"job {number}" for number in range(20)), sender=sender)
        assert time.monotonic() - begin < 5
        assert len(Lineage(tmp_path, namespace="test").edges()) == 20


def test_a_command_sends_what_it_recorded_before_it_ends(
    project: Project, receiver: Receiver
) -> None:
    (project.root / "mlinfra.toml").write_text(f'[lineage]\nurl = "{receiver.url}"\n')
    (project.root / "rows.csv").write_text("id\n1\n")
    words = ["catalog", "ingest", "rows.csv", "--into", "shop.rows"]
    subprocess.run(
        [sys.executable, "-m", "jupyter_mlinfra.cli", *words],
        cwd=project.root,
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    assert len(receiver.jobs) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('url = "marquez:5000"', "neither http"),
        ('url = "http://ana:s3cr3t@marquez"', "a user or a password"),
        ('api_key = "s3cr3t"', "The key itself would be kept"),
        ('adress = "http://marquez"', "There is no such setting"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_their_secrets(
    project: Project, text: str, why: str
) -> None:
    (project.root / "mlinfra.toml").write_text(f"[lineage]\n{text}\n")
    with pytest.raises(BadRequest) as refused:
        Project.open(project.root).settings.check()
    assert why in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
