"""How the microservice writes its answers: through gunicorn's own code, to a socket that counts."""

from __future__ import annotations

import http.client
import io
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.wsgi import Response, create

from jupyter_mlinfra.deployments.runtime.listen import head_with_body, make_private


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
