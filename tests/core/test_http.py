"""Requests of the package: which proxies they take, how long they wait, why there was no answer."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from jupyter_mlinfra.core import http
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.jobs.remote import Unreachable
from jupyter_mlinfra.jobs.remote.ray.api import Api
from jupyter_mlinfra.jobs.remote.ray.settings import RaySettings


class Server(ThreadingHTTPServer):
    """Answers every GET with 200 and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked = list[str]()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(url: str, *, timeout: float = 10.0) -> str:
    with http.open_client(url, timeout=timeout) as client:
        return client.get(url).text


def reason(url: str, *, timeout: float = 10.0) -> str:
    with pytest.raises(httpx.HTTPError) as caught:
        get(url, timeout=timeout)
    return http.reason_of(caught.value)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: Server, free_port: int, monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port}")
    assert get(f"http://{host}:{server.server_port}/jobs") == "ok"
    assert server.asked == ["/jobs"]


def test_a_proxy_of_the_environment_is_asked_for_other_machines(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, server.address)
    assert get("http://ray.example:8265/jobs") == "ok"
    assert server.asked == ["http://ray.example:8265/jobs"]


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "socks4://proxy:1080", "http://proxy:x"])
def test_a_proxy_that_cannot_be_used_does_not_matter_for_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert get(f"{server.address}/jobs") == "ok"
    assert get(f"http://localhost:{server.server_port}/jobs") == "ok"


@pytest.mark.parametrize(
    "proxy",
    ["socks5://ana:hush@proxy:1080", "socks4://ana:hush@proxy:1080", "http://ana:hush@proxy:x"],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(Unavailable) as caught:
        get("http://ray.example:8265/jobs")
    assert "ALL_PROXY" in caught.value.what
    assert caught.value.why
    assert "unset it" in caught.value.fix
    assert "hush" not in str(caught.value)


def test_ray_behind_a_proxy_that_cannot_be_used_is_unreachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://proxy:1080")
    ray = Api(RaySettings(address="http://ray.example:8265"))
    with pytest.raises(Unreachable, match="ALL_PROXY"):
        ray.nodes()


def only_proxy_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("url", "variables", "named"),
    [
        ("http://127.0.0.1:5000", {"HTTP_PROXY": "http://proxy:3128"}, "HTTP_PROXY"),
        ("http://localhost:5000", {"http_proxy": "http://proxy:3128"}, "http_proxy"),
        ("https://localhost:5000", {"ALL_PROXY": "http://proxy:3128"}, "ALL_PROXY"),
        ("http://127.0.0.1:5000", {}, ""),
        ("https://127.0.0.1:5000", {"HTTP_PROXY": "http://proxy:3128"}, ""),
        ("http://mlflow.example", {"HTTP_PROXY": "http://proxy:3128"}, ""),
        ("sqlite:///mlflow.db", {"ALL_PROXY": "http://proxy:3128"}, ""),
        (
            "http://127.0.0.1:5000",
            {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "127.0.0.1,localhost"},
            "",
        ),
    ],
)
def test_a_proxy_that_other_libraries_use_for_this_machine_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], named: str
) -> None:
    only_proxy_variables(monkeypatch, variables)
    why, fix = http.proxy_advice(url)
    assert why.partition(" ")[0] == named
    assert fix.startswith("Set NO_PROXY=127.0.0.1,localhost") is bool(named)


@pytest.mark.parametrize(
    ("url", "variables", "why"),
    [
        (
            "http://127.0.0.1:5000",
            {},
            "The system has a proxy, so requests to 127.0.0.1 are sent to a proxy.",
        ),
        ("http://127.0.0.1:5000", {"NO_PROXY": "127.0.0.1,localhost"}, ""),
        ("https://127.0.0.1:5000", {}, ""),
        ("http://mlflow.example", {}, ""),
    ],
)
def test_a_proxy_of_the_system_is_named_without_a_variable(
    monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], why: str
) -> None:
    """Of macOS and Windows, which have one in their settings."""
    only_proxy_variables(monkeypatch, variables)
    monkeypatch.setattr("requests.utils.getproxies", lambda: {"http": "http://proxy:3128"})
    fix = "Set NO_PROXY=127.0.0.1,localhost where Jupyter is started." if why else ""
    assert http.proxy_advice(url) == (why, fix)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("ray.localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("ray-head", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, here: bool) -> None:
    assert http.is_this_machine(host) is here


def test_a_redirect_is_not_followed(server: Server) -> None:
    assert get(f"{server.address}/moved") == "ok"
    assert server.asked == ["/moved"]


def test_who_refuses_a_connection_is_named_in_the_words_of_the_system(free_port: int) -> None:
    assert reason(f"http://127.0.0.1:{free_port}") == "Connection refused"


def test_a_host_without_an_address_is_named_so() -> None:
    assert reason("http://nowhere.invalid") in {
        "Name or service not known",
        "No address associated with hostname",
        "Temporary failure in name resolution",
    }


def test_who_takes_a_request_and_never_answers_is_not_waited_for_forever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        words = reason(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        assert 0.25 < time.monotonic() - begun < 5
    assert words == "timed out"


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server that answers once, and its certificate, which it made itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    words += f" -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    subprocess.run(words.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}", certificate
    thread.join(10)
    server.server_close()


def test_a_certificate_that_nobody_vouches_for_is_the_reason(secure: tuple[str, Path]) -> None:
    assert "self-signed certificate" in reason(secure[0])


def test_a_certificate_that_the_system_trusts_is_taken(
    secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure[1]))
    assert get(secure[0]) == "ok"


def test_httpx_is_imported_with_the_first_request() -> None:
    code = (
        "import sys; import jupyter_mlinfra.core.http, jupyter_mlinfra.cli.app,"
        " jupyter_mlinfra.deployments.client, jupyter_mlinfra.deployments.targets.envoy.admin,"
        " jupyter_mlinfra.jobs.remote.ray.api, jupyter_mlinfra.jobs.local.supervisor;"
        " print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
