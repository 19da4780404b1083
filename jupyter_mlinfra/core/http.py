"""How the package speaks HTTP: by httpx, which is imported with the first request."""

from __future__ import annotations

import contextlib
import os
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import Unavailable

if TYPE_CHECKING:
    import httpx


def open_client(url: str, *, timeout: float) -> httpx.Client:
    """A client for `url`; a wait for the other end ends after `timeout` seconds.

    Proxies of the environment are used, but not for this machine. Certificates are those that the
    system trusts, a company's own among them. Redirects are not followed. Raises Unavailable when
    the environment names a proxy that cannot be used.
    """
    import httpx

    parts = urlsplit(url)
    verify = ssl.create_default_context() if parts.scheme == "https" else False
    try:
        return httpx.Client(
            timeout=timeout,
            verify=verify,
            # httpx makes a connection pool for each proxy of the environment, needed or not.
            trust_env=not is_this_machine(parts.hostname or ""),
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise _proxy_refused(error) from error


def _proxy_refused(error: Exception) -> Unavailable:
    names = sorted(
        name
        for name, value in os.environ.items()
        if value and name.lower() in ("http_proxy", "https_proxy", "all_proxy")
    )
    why = "The package socksio is missing." if isinstance(error, ImportError) else f"{error}."
    return Unavailable(
        f"The proxy of {' or '.join(names)} cannot be used.",
        why,
        "Set it to an address that begins with http://, or unset it; socks5:// works after: pip"
        " install httpx[socks]",
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


def proxy_advice(url: str) -> tuple[str, str]:
    """Why libraries that use `requests` may not reach an address of this machine, and the fix:
    unlike `open_client`, they use a proxy of the environment for it. Empty if they use none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not is_this_machine(parts.hostname or ""):
        return "", ""
    from requests.utils import get_environ_proxies, select_proxy

    if not select_proxy(url, get_environ_proxies(url)):
        return "", ""
    names = (f"{parts.scheme}_proxy", "all_proxy")
    spellings = (spelling for name in names for spelling in (name, name.upper()))
    variable = next(filter(os.environ.get, spellings), "")
    cause = f"{variable} is set" if variable else "The system has a proxy"  # in its settings
    why = f"{cause}, so requests to {parts.hostname} are sent to a proxy."
    return why, "Set NO_PROXY=127.0.0.1,localhost where Jupyter is started."


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
