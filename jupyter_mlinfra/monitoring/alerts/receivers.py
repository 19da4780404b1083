"""Who is told of alerts: a webhook or a file.

A webhook is signed as https://www.standardwebhooks.com specifies: `webhook-id`, the time of this
try in `webhook-timestamp`, and the HMAC-SHA256 of both and the body in `webhook-signature`, so that
a message that somebody recorded cannot be sent again later.

Addresses: those that a public name or number leads to, over https. A receiver with `private = true`
may also be this machine or in a private network, and speak http. Addresses of the link (169.254.…,
where clouds answer with credentials) are never called. The name is looked up once, and the address
that was checked is the one that is called; redirects are not followed, and proxies not used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ...core.errors import BadRequest, Forbidden, MLInfraError, Unavailable
from ...core.files import explain_os_error, real_path
from ...core.secrets import is_reference, resolve
from ..settings import FileReceiver, Receiver, WebhookReceiver

TIMEOUT_SECONDS = 10.0
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
    verify = ssl.create_default_context() if parts.scheme == "https" else False
    try:
        # The body of the answer is not read: it may be endless.
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS, verify=verify, trust_env=False) as client,
            client.stream(
                "POST",
                target,
                content=body,
                headers={**headers, "host": parts.netloc},
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            answered, is_success = answer.status_code, answer.is_success
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unavailable(
            f"{shown} could not be reached.",
            f"{type(error).__name__}.",
            "Look whether it runs; the message is tried again.",
        ) from None
    if not is_success:
        raise Unavailable(
            f"{shown} answered {answered}.",
            "A receiver takes a message with a status from 200 to 299; redirects are not followed.",
            "Look at its log; the message is tried again.",
        )


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
    try:
        found = socket.getaddrinfo(parts.hostname, port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unavailable(f"{shown} is not known.", "No such name.", "Correct its url.") from None
    addresses = [_plain(ip_address(str(item[4][0]).partition("%")[0])) for item in found]
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


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as one of IPv6."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _may_call(address: Address, *, private: bool) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global


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
            os.write(handle, json.dumps(json.loads(body), ensure_ascii=False).encode() + b"\n")
        finally:
            os.close(handle)
    except MLInfraError:
        raise
    except (OSError, ValueError) as error:
        failed = error if isinstance(error, OSError) else OSError(0, str(error))
        raise explain_os_error(failed, f"{receiver.path} was not written.") from error
