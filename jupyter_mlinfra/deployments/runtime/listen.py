"""Where the microservice listens, and what it leaves out.

seldon-core 1.19 binds every server to 0.0.0.0 and has no option for it
(`microservice._make_rest_server_prod`). On one machine only the gateway may reach a worker, so its
gunicorn listens on a Unix socket that only the owner can open: no port conflicts, nothing on the
network, and no Nagle's algorithm between gateway and worker. The metrics server (two processes) and
the metrics manager (one process, two round trips a request) are left out: the gateway counts
requests, errors and latency for each version.

Gunicorn sends an answer's head and its body separately. If a worker is killed between the two, the
request is lost: the gateway has passed the head on and cannot try another worker. So both are sent
at once.

Gunicorn trusts whoever asks over a Unix socket with its `SCRIPT_NAME`, its path and its scheme. The
gateway sends none of them, but passes headers of its callers on, so none is believed.

Seldon's answers also let every origin read them (CORS), which the gateway takes back: here they do
not say so in the first place. Gunicorn formats the date of each answer: here once a second.

Environment: MLINFRA_SOCKET, path of the socket; without it seldon-core is not changed, so that the
bundle also runs on a cluster.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any


def on_private_socket() -> None:
    """Change the microservice that imports this module. Raises RuntimeError if seldon-core is not
    as expected.
    """
    path = os.environ.get("MLINFRA_SOCKET")
    if not path:
        return
    from gunicorn import util
    from gunicorn.http import wsgi
    from seldon_core import gunicorn_utils, microservice, wrapper

    for owner, name in (
        (util, "http_date"),
        (wsgi.Response, "write"),
        (wrapper, "CORS"),
        (microservice, "SeldonMetrics"),
        (microservice, "_make_rest_metrics_server"),
        (gunicorn_utils.StandaloneApplication, "load_config"),
    ):
        if not hasattr(owner, name):
            raise RuntimeError(
                f"This seldon-core or gunicorn has no {owner.__name__}.{name}: it could not be kept"
                " off the network, or would lose requests."
            )
    load_config = gunicorn_utils.StandaloneApplication.load_config

    def load_private_config(self: Any) -> None:
        load_config(self)
        make_private(self.cfg, path)

    gunicorn_utils.StandaloneApplication.load_config = load_private_config
    util.http_date = once_a_second(util.http_date)
    wsgi.Response.write = head_with_body(wsgi.Response.write)
    wrapper.CORS = lambda *_: None
    microservice.SeldonMetrics = LocalMetrics
    microservice._make_rest_metrics_server = lambda *_: None


_metrics: list[Any] = []
"""Those of the microservice, where it has some."""

_updating = threading.Lock()
"""Seldon reads what a process has counted, adds to it, and writes it back: threads that did so at
once would lose counts.
"""

_SELDONS = frozenset(
    {
        *("deployment_name", "seldon_deployment_name", "image_name", "image_version", "method"),
        *("model_name", "model_image", "model_version", "predictor_name", "predictor_version"),
        "worker_id",
    }
)
"""Labels that Seldon gives all samples: series that differ by a tag of that name would be one."""


def note_metrics() -> None:
    """Change the microservice so that what it counts by itself, on a cluster, can be added to."""
    if os.environ.get("MLINFRA_SOCKET"):
        return
    try:
        from seldon_core import microservice
    except ImportError:
        return  # another server, or a test

    class Noted(microservice.SeldonMetrics):  # type: ignore[misc]  # it has no types here
        """The same, known here."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            _metrics.append(self)

        def update(self, *args: Any, **options: Any) -> None:
            """One thread after another."""
            with _updating:
                super().update(*args, **options)

    microservice.SeldonMetrics = Noted


def count_by_seldon(metrics: Sequence[Mapping[str, Any]]) -> None:
    """Add metrics of a prediction, in Seldon's form, to what the microservice exposes."""
    for found in _metrics:
        # Seldon keeps the tags of each, and writes into them.
        found.update([{**item, "tags": _own(item["tags"])} for item in metrics], "predict")


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in tags.items() if name not in _SELDONS}


def make_private(configuration: Any, path: str) -> None:
    """Change a `gunicorn.config.Config`: it listens on this Unix socket, believes no header, and
    leaves their sizes to the gateway.
    """
    settings = {
        "bind": f"unix:{path}",
        "umask": 0o077,
        # The model is loaded before the socket exists, so that no process accepts a connection
        # before it can answer.
        "preload_app": True,
        "graceful_timeout": 30,
        # Gunicorn ≥ 25 has one such path for all of the user's servers.
        "control_socket_disable": True,
        "forwarder_headers": "",  # gunicorn ≥ 22
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        # The gateway limits them (60 KiB); gunicorn would answer with a page of HTML.
        "limit_request_line": 0,
        "limit_request_fields": 1000,
        "limit_request_field_size": 1 << 16,
    }
    for name, value in settings.items():
        if name in configuration.settings:
            configuration.set(name, value)


def head_with_body(write: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
    """Gunicorn's `Response.write`, but the first part of the body is sent with the head."""

    def write_at_once(self: Any, part: bytes) -> None:
        if self.headers_sent:
            write(self, part)
            return
        sock, self.sock = self.sock, Outgoing()
        try:
            write(self, part)
        finally:
            outgoing, self.sock = self.sock, sock
        sock.sendall(outgoing.data)

    return write_at_once


def once_a_second(http_date: Callable[[float], str]) -> Callable[[], str]:
    """Gunicorn's `http_date` of now."""
    made = lru_cache(1)(http_date)
    return lambda: made(int(time.time()))


class Outgoing:
    """Stands in for a socket and collects what is sent."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        """Add these bytes."""
        self.data += data


class LocalMetrics:
    """What the microservice needs from its metrics, without the manager process."""

    def __init__(self, **_: Any) -> None:
        pass

    def update(self, *_: Any) -> None:
        """Seldon calls this with each answer."""

    def update_reward(self, *_: Any) -> None:
        """Seldon calls this with each feedback."""

    def clear(self) -> None:
        """Seldon calls this when a process ends."""
