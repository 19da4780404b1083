"""How the package speaks HTTP: by httpx, which is imported with the first request."""

from __future__ import annotations

import contextlib
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx


def open_client(url: str, *, timeout: float) -> httpx.Client:
    """A client for `url`; a wait for the other end ends after `timeout` seconds.

    Proxies of the environment are used, but not for this machine. Certificates are those that the
    system trusts, a company's own among them. Redirects are not followed.
    """
    import httpx

    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return httpx.Client(
        timeout=timeout,
        verify=ssl.create_default_context() if parts.scheme == "https" else False,
        mounts={f"all://{host}": None} if is_this_machine(parts.hostname or "") else None,
    )


def open_socket(path: str, *, timeout: float) -> httpx.Client:
    """A client for the Unix socket `path`, which may be relative to the working folder."""
    import httpx

    return httpx.Client(
        base_url="http://localhost",
        timeout=timeout,
        transport=httpx.HTTPTransport(uds=path, verify=False),
    )


def is_this_machine(host: str) -> bool:
    """Whether a host is a loopback address, or `localhost`."""
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def reason_of(error: BaseException) -> str:
    """Why there was no answer, in the words of the system where it has some: `Connection
    refused`.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error).strip() or type(error).__name__
