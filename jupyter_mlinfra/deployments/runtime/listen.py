"""Where the microservice listens, and what it leaves out.

seldon-core 1.19 binds every server to 0.0.0.0 and has no option for it
(`microservice._make_rest_server_prod`). On one machine only the gateway may reach a worker, so its
gunicorn listens on a Unix socket that only the owner can open: no port conflicts, nothing on the
network, and no Nagle's algorithm between gateway and worker. The metrics server (two processes) and
the metrics manager (one process, two round trips a request) are left out: the gateway counts
requests, errors and latency for each version.

Environment: MLINFRA_SOCKET, path of the socket; without it seldon-core is not changed, so that the
bundle also runs on a cluster.
"""

from __future__ import annotations

import os
from typing import Any


def on_private_socket() -> None:
    """Change the microservice that imports this module. Raises RuntimeError if seldon-core is not
    as expected.
    """
    path = os.environ.get("MLINFRA_SOCKET")
    if not path:
        return
    from seldon_core import gunicorn_utils, microservice

    for owner, name in (
        (microservice, "SeldonMetrics"),
        (microservice, "_make_rest_metrics_server"),
        (gunicorn_utils.StandaloneApplication, "load_config"),
    ):
        if not hasattr(owner, name):
            raise RuntimeError(
                f"This seldon-core has no {owner.__name__}.{name}: it could not be kept off the"
                " network."
            )
    load_config = gunicorn_utils.StandaloneApplication.load_config

    def load_private_config(self: Any) -> None:
        load_config(self)
        self.cfg.set("bind", f"unix:{path}")
        self.cfg.set("umask", 0o077)
        # The model is loaded before the socket exists, so that no process accepts a connection
        # before it can answer.
        self.cfg.set("preload_app", True)
        self.cfg.set("graceful_timeout", 30)
        # Gunicorn ≥ 25 has one such path for all of the user's servers.
        if "control_socket_disable" in self.cfg.settings:
            self.cfg.set("control_socket_disable", True)

    gunicorn_utils.StandaloneApplication.load_config = load_private_config
    microservice.SeldonMetrics = LocalMetrics
    microservice._make_rest_metrics_server = lambda *_: None


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
