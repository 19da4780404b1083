"""The gateway's port: a free one, chosen once; and which process holds one that is taken."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import time
from pathlib import Path

from ...core.errors import Unavailable

# Below the range from which the kernel takes ports for outgoing connections (32768 and up), so that
# such a port is not taken by accident.
FIRST, LAST = 20_000, 29_999
RELEASE_SECONDS = 3.0
"""How long the port of a killed gateway may stay taken."""
_PAUSE_SECONDS = 0.05


def is_free(port: int) -> bool:
    """Whether a listener on 127.0.0.1 can be opened."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Envoy does: lingering connections do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def becomes_free(port: int) -> bool:
    """Whether a port is free within `RELEASE_SECONDS`: a killed process with many threads holds its
    sockets until its last thread has ended.
    """
    deadline = time.monotonic() + RELEASE_SECONDS
    while not is_free(port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def choose(seed: Path) -> int:
    """A free port, the same one for the same project as long as it stays free. Raises Unavailable
    if none is free.
    """
    offset = int(hashlib.sha256(str(seed).encode()).hexdigest(), 16) % (LAST - FIRST + 1)
    for attempt in range(LAST - FIRST + 1):
        port = FIRST + (offset + attempt) % (LAST - FIRST + 1)
        if is_free(port):
            return port
    raise Unavailable(
        "No port is free.",
        f"All of {FIRST} to {LAST} are taken.",
        "End some servers, or set [deployments] port.",
    )


def reserve(port: int, host: str = "127.0.0.1") -> socket.socket | None:
    """Keep others from a port that is to be shared (SO_REUSEPORT) by processes of ours: while the
    answer is open, `is_free` says no. None if old connections still linger there.

    It is bound alone, which fails if anybody else has it, and only then allows sharing.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.bind((host, port))
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        found.close()
        return None
    return found


def taken(port: int) -> Unavailable:
    """The error for a port that another process holds, with that process if it can be found."""
    holder = _holder(port)
    why = f"Process {holder} listens on it." if holder else "Another process listens on it."
    fix = "End that process, or set another [deployments] port in mlinfra.toml."
    return Unavailable(f"Port {port} is taken, so the gateway cannot start.", why, fix)


def _holder(port: int) -> str:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f"{connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""
