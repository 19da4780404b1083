"""The address for other machines, as the settings name it: `[deployments] listen`, and the files of
its certificate.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Unprocessable
from ..gateway import PublicAddress
from ..settings import DeploymentSettings

if TYPE_CHECKING:
    from ...core.project import Project

NO_KEYS = (
    "No deployment has a valid key, and every request of another machine needs one. mlinfra"
    " deployments keys NAME create makes one"
)


def public_address(project: Project) -> PublicAddress | None:
    """What `[deployments] listen` says; None if it is empty. Raises BadRequest for an address that
    is none, Unprocessable for a certificate or a key that must not be used.
    """
    settings = project.settings.of(DeploymentSettings)
    if not settings.listen:
        return None
    host, port = _parts(settings.listen)
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise BadRequest(
            "TLS needs a certificate and its key.",
            "Only one of [deployments] tls_certificate and tls_key is set.",
            "Set both, as paths of PEM files.",
        )
    certificate = key = ""
    if settings.tls_certificate:
        certificate = str(_path(project, settings.tls_certificate))
        key = str(_path(project, settings.tls_key))
        check_pair(Path(certificate), Path(key))
    return PublicAddress(
        host=host,
        port=port,
        certificate=certificate,
        key=key,
        max_connections=settings.max_connections,
        max_body_bytes=int(settings.max_body_mib * (1 << 20)),
    )


def check_pair(certificate: Path, key: Path) -> None:
    """Raise Unprocessable for files that are no certificate and its key, or for a key that others
    can read.
    """
    for path in (certificate, key):
        if not os.access(path, os.R_OK):
            raise Unprocessable(
                f"{path} cannot be read.",
                "It does not exist, or belongs to another user.",
                "Correct [deployments] tls_certificate and tls_key.",
            )
    mode = key.stat().st_mode
    if mode & 0o007 or mode & 0o020:
        raise Unprocessable(
            f"{key} is not used as the key of TLS.",
            "Other users of this machine can read or change it.",
            f"chmod 600 {key}; if it was readable for long, get a new one.",
        )
    try:
        # An empty password, or OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise Unprocessable(
            f"{certificate} and {key} cannot be used for TLS.",
            f"OpenSSL says: {reason}.",
            "Name a certificate chain and its own key, both PEM, the key without a password.",
        ) from None


def fingerprint(public: PublicAddress) -> str:
    """Changes with the content of the certificate or of its key."""
    found = hashlib.sha256()
    for path in (public.certificate, public.key):
        content = Path(path).read_bytes()
        found.update(len(content).to_bytes(8) + content)
    return found.hexdigest()[:16]


def _parts(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ip_address(host)
        number = int(port)
        if not 0 < number < 65536:
            raise ValueError
    except ValueError:
        raise BadRequest(
            f"[deployments] listen = {listen!r} is not an address.",
            "It is the number of an interface of this machine and a port.",
            'For example "0.0.0.0:8443" (all), "192.0.2.7:8443", "[::]:8443".',
        ) from None
    return host, number


def _path(project: Project, text: str) -> Path:
    return project.root / Path(text).expanduser()
