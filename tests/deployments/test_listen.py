"""How the microservice writes its answers: through gunicorn's own code, to a socket that counts."""

from __future__ import annotations

import http.client
import io
import time
from types import SimpleNamespace

import pytest
from flask import Flask, request
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.wsgi import Response, create
from gunicorn.util import http_date
from werkzeug.test import EnvironBuilder

from jupyter_mlinfra.deployments.runtime import model
from jupyter_mlinfra.deployments.runtime.listen import head_with_body, make_private, once_a_second


class Wire:
    """A socket that remembers each call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)


class Together(Response):  # type: ignore[misc]
    write = head_with_body(Response.write)


def answer(headers: list[tuple[str, str]], *parts: bytes) -> list[bytes]:
    """What gunicorn sends for these parts of a body, in as many pieces."""
    wire = Wire()
    asked = SimpleNamespace(version=(1, 1), method="POST", should_close=lambda: False)
    found = Together(asked, wire, SimpleNamespace(sendfile=False, is_ssl=False))
    found.start_response("200 OK", headers)
    for part in parts:
        found.write(part)
    found.close()
    return wire.sent


def body_of(sent: list[bytes]) -> bytes:
    """What the standard library's client reads in it."""
    wire = SimpleNamespace(makefile=lambda *_, **__: io.BytesIO(b"".join(sent)))
    response = http.client.HTTPResponse(wire)  # type: ignore[arg-type]
    response.begin()
    return response.read()


def test_head_and_body_leave_together() -> None:
    """Between two pieces a worker can be killed, and then no other worker can be asked."""
    sent = answer([("Content-Length", "5")], b"hello")
    assert len(sent) == 1
    assert body_of(sent) == b"hello"


@pytest.mark.parametrize("headers", [[("Content-Length", "11")], []])
def test_an_answer_in_parts_is_whole(headers: list[tuple[str, str]]) -> None:
    sent = answer(headers, b"hello", b" world")
    assert sent[0].endswith((b"\r\n\r\nhello", b"hello\r\n"))
    assert body_of(sent) == b"hello world"


def test_an_answer_without_a_body_has_its_head() -> None:
    assert body_of(answer([("Content-Length", "0")])) == b""


def environment(configuration: Config, head: str) -> dict[str, str]:
    """What gunicorn tells the application of a request over the Unix socket."""
    parts = iter([f"POST /predict HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode()])
    request = next(RequestParser(configuration, parts, ""))
    found: dict[str, str] = create(request, None, "", "a.sock", configuration)[1]
    return found


def test_a_worker_believes_no_header_of_the_caller_on_its_own() -> None:
    forged = "SCRIPT_NAME: /predict\r\nPATH_INFO: /admin\r\nREMOTE_USER: root\r\n"
    forged += "X-Forwarded-Proto: https\r\n"
    usual, private = Config(), Config()
    assert environment(usual, forged)["SCRIPT_NAME"] == "/predict", "gunicorn believes it"
    make_private(private, "a.sock")
    found = environment(private, forged)
    assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == ("", "/predict")
    assert found["wsgi.url_scheme"] == "http"
    assert not any("REMOTE_USER" in name for name in found)
    # Two that contradict each other refuse no request.
    assert environment(private, "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n")
    assert private.address == ["a.sock"]


def test_the_date_of_answers_is_made_once_a_second() -> None:
    made: list[float] = []

    def dated(at: float) -> str:
        made.append(at)
        return str(http_date(at))

    date = once_a_second(dated)
    seconds = set[int]()
    while len(seconds) < 2:  # until the next second has begun
        before, text, after = int(time.time()), date(), int(time.time())
        assert text in (http_date(before), http_date(after))
        seconds.add(before)
    assert len(made) <= 3


def test_headers_are_read_as_flask_reads_them() -> None:
    given = {"Content-Encoding": "gzip", "x-mlinfra-probe": "1", "X-Request-Id": "é"}
    names = [*given, "content-type", "CONTENT-LENGTH", "x-mlinfra-shadow", "x-request-id"]
    with Flask("a").test_request_context(
        "/predict", method="POST", data=b"{}", content_type="application/json", headers=given
    ):
        read = model._headers()
        found = {name: read(name) for name in names}
        assert found == {name: request.headers.get(name) for name in names}
    assert found["content-type"] == "application/json"
    assert found["x-mlinfra-shadow"] is None


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded"],
)
def test_a_form_is_looked_for_where_there_may_be_one(kind: str) -> None:
    body = b'json={"data":1}'
    asked = model._Request(EnvironBuilder(data=body, content_type=kind).get_environ())
    assert asked.form.get("json") == ('{"data":1}' if "form" in kind else None)
    assert asked.get_data() == (b"" if "form" in kind else body)
