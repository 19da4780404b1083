"""Who is told of alerts: a webhook or a file.

A webhook is signed as https://www.standardwebhooks.com specifies: `webhook-id`, the time of this
try in `webhook-timestamp`, and the HMAC-SHA256 of both and the body in `webhook-signature`, so that
a message that somebody recorded cannot be sent again later.

Addresses: those that a public name or number leads to, over https. A receiver with `private = true`
may also be this machine or in a private network, and speak http. Addresses of IPv6 that stand for
one of IPv4 (NAT64, 6to4, Teredo) count as private, because a gateway elsewhere decides where they
lead. Where clouds answer with credentials (169.254.… and the like) is never called, also not by
such an address. The name is looked up once, and the address that was checked is the one that is
called; redirects are not followed, and proxies not used. Each delivery has a limit of time as a
whole, from the look-up to the status of the answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import hashlib
import hmac
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ...core.errors import BadRequest, Forbidden, MLInfraError, Unavailable
from ...core.files import explain_os_error, real_path
from ...core.secrets import is_reference, resolve
from ..settings import FileReceiver, Receiver, WebhookReceiver

TIMEOUT_SECONDS = 10.0
"""Of one delivery as a whole: a receiver that sends a byte now and then takes no longer."""
_PREFIX = "whsec_"

Address = IPv4Address | IPv6Address


def send(root: Path, receiver: Receiver, id: str, body: bytes, at: float) -> None:
    """Deliver one message. Raises an MLInfraError, without any secret in it, if that fails."""
    if isinstance(receiver, FileReceiver):
        _append(root, receiver, body)
    else:
        _post(receiver, id, body, at)


def signature(secret: str, id: str, at: float, body: bytes) -> dict[str, str]:
    """The headers that prove who sent a message, and when. secret: text, or `whsec_` and the key
    in base64.
    """
    key = (
        base64.b64decode(secret.removeprefix(_PREFIX) + "==")
        if secret.startswith(_PREFIX)
        else secret.encode()
    )
    signed = b".".join((id.encode(), str(int(at)).encode(), body))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"v1,{digest}",
    }


def _post(receiver: WebhookReceiver, id: str, body: bytes, at: float) -> None:
    import httpx

    ends = time.monotonic() + TIMEOUT_SECONDS
    url = resolve(receiver.url)
    # An address that is a secret is not repeated in messages, as a secret never is.
    shown = receiver.url if is_reference(receiver.url) else urlsplit(url).hostname or ""
    headers = {"content-type": "application/json", "user-agent": "jupyter-mlinfra"}
    if receiver.secret is not None:
        headers |= signature(resolve(receiver.secret), id, at, body)
    else:
        headers["webhook-id"] = id
    parts, address = _checked(url, shown, private=receiver.private)
    host = f"[{address}]" if address.version == 6 else str(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = parts._replace(netloc=f"{host}:{port}", fragment="").geturl()
    named = {**headers, "host": parts.netloc}
    try:
        answered = asyncio.run(_status(target, parts, body, named, ends))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unavailable(
            f"{shown} could not be reached.",
            f"{type(error).__name__}.",
            "Look whether it runs; the message is tried again.",
        ) from None
    if not 200 <= answered < 300:
        raise Unavailable(
            f"{shown} answered {answered}.",
            "A receiver takes a message with a status from 200 to 299; redirects are not followed.",
            "Look at its log; the message is tried again.",
        )


async def _status(
    target: str, parts: SplitResult, body: bytes, headers: Mapping[str, str], ends: float
) -> int:
    """The status of the answer to a POST. Its body is not read: it may be endless."""
    import httpx

    verify = ssl.create_default_context() if parts.scheme == "https" else False
    async with (
        asyncio.timeout(max(0.0, ends - time.monotonic())),
        httpx.AsyncClient(timeout=TIMEOUT_SECONDS, verify=verify, trust_env=False) as client,
        client.stream(
            "POST",
            target,
            content=body,
            headers=dict(headers),
            extensions={"sni_hostname": parts.hostname},
        ) as answer,
    ):
        return answer.status_code


def _checked(url: str, shown: str, *, private: bool) -> tuple[SplitResult, Address]:
    """The parts of an address, and the number that its name leads to. Raises Forbidden for one that
    must not be called.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadRequest(f"{shown} is not an address.", fix="https://HOST/PATH") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise BadRequest(f"{shown} is not an address.", fix="https://HOST/PATH")
    if parts.scheme == "http" and not private:
        raise Forbidden(
            f"{shown} is not called.",
            "Its address is http, which anybody on the way can read.",
            "Use https; or set private = true for a receiver in your own network.",
        )
    addresses = _look_up(parts.hostname, port or 0, shown)
    allowed = [address for address in addresses if _may_call(address, private=private)]
    if not allowed:
        why = (
            "Its name leads to an address of the link."
            if private
            else "Its name leads to this machine or a private network."
        )
        raise Forbidden(
            f"{shown} is not called.", why, "Set private = true if that is what you mean."
        )
    return parts, allowed[0]


def _look_up(host: str, port: int, shown: str) -> Sequence[Address]:
    """The numbers of a name. A thread asks, because nothing limits how long that takes."""
    found: list[Address] = []

    def ask() -> None:
        try:
            items = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(ip_address(str(item[4][0]).partition("%")[0]) for item in items)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(TIMEOUT_SECONDS)
    if asking.is_alive() or not found:
        why = "Its name is not found in time." if asking.is_alive() else "No such name."
        raise Unavailable(f"{shown} is not known.", why, "Correct its url.")
    return [_plain(address) for address in found]


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as one of IPv6."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ip_network("::/96")
_CREDENTIALS = (
    *(ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254", "fe80::a9fe:a9fe")),
    *(ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "168.63.129.16")),
)
"""Where the machines of AWS, Google, Alibaba, Oracle and Azure get what gives them access."""


def _stands_for(address: Address) -> Sequence[IPv4Address]:
    """The addresses of IPv4 to which a gateway may translate one of IPv6 (RFC 6052, 3056, 4380)."""
    if not isinstance(address, IPv6Address):
        return ()
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    if any(address in network for network in (*_NAT64, _COMPATIBLE)):
        return (last,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()


def _may_call(address: Address, *, private: bool) -> bool:
    behind = _stands_for(address)
    for item in (address, *behind):
        if item.is_link_local or item.is_multicast or item.is_unspecified or item in _CREDENTIALS:
            return False
    # One of RFC 4291 that is no translation: this machine.
    site_local = getattr(address, "is_site_local", False)  # of IPv6
    return private or (address.is_global and not behind and not site_local)


def _append(root: Path, receiver: FileReceiver, body: bytes) -> None:
    """One line of JSON; the file is made if it is missing. A link out of the project is refused."""
    path = root / receiver.path
    try:
        if not real_path(path).is_relative_to(real_path(root)):
            raise Forbidden(
                f"{receiver.path} is not written.",
                "It is a link that leads out of the project.",
                "Name a file below the project.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        handle = os.open(path, flags, 0o600)
        try:
            _write_line(handle, json.dumps(json.loads(body), ensure_ascii=False).encode() + b"\n")
        finally:
            os.close(handle)
    except MLInfraError:
        raise
    except (OSError, ValueError) as error:
        failed = error if isinstance(error, OSError) else OSError(0, str(error))
        raise explain_os_error(failed, f"{receiver.path} was not written.") from error


def _write_line(handle: int, line: bytes) -> None:
    """All of a line or nothing, so that the next try begins a line of its own. Raises OSError."""
    before = os.fstat(handle).st_size
    if (written := os.write(handle, line)) == len(line):
        return
    if os.fstat(handle).st_size == before + written:  # nobody else has written meanwhile
        with contextlib.suppress(OSError):
            os.ftruncate(handle, before)
    raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes were written")
