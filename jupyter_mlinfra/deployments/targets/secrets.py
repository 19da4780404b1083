"""Secrets of the local gateway: files that only the owner can read, created once."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from ...core.errors import Unprocessable
from ...core.files import explain_os_error
from ...core.project import Project
from ..gateway import Keys
from ..settings import DeploymentSettings

_SCHEME = "Authorization: Bearer "


def authorization_file(project: Project) -> Path:
    """The file with the header that the gateway requires; `curl -H @FILE` sends it without showing
    it in a process list.
    """
    return project.folder("deployments") / "authorization"


def keys_of(project: Project) -> Keys:
    """The mark of our own tests, and the token of the project if requests need one.

    Raises Unavailable if they can be neither read nor created, Unprocessable if a file was changed.
    """
    probe = _secret(project.folder("deployments") / "probe", "")
    return Keys(
        probe=probe,
        token=_secret(authorization_file(project), _SCHEME) if token_required(project) else "",
    )


def token_required(project: Project) -> bool:
    """Whether requests on this machine need the project's token: if the settings say so, or if
    other machines can reach the gateway.
    """
    settings = project.settings.of(DeploymentSettings)
    return settings.require_token or bool(settings.listen)


def _secret(path: Path, prefix: str) -> str:
    """The secret in a file, after `prefix`."""
    try:
        if not path.exists():
            _create(path, f"{prefix}{secrets.token_urlsafe(32)}\n")
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        text = path.read_text()
    except OSError as error:
        raise explain_os_error(error, f"{path.name} of the gateway cannot be used.") from error
    secret = text.removeprefix(prefix).strip()
    if not text.startswith(prefix) or len(secret) < 20 or not secret.isprintable():
        raise Unprocessable(
            f"{path} does not hold a secret of the gateway.",
            "It was changed.",
            "Remove it, then: mlinfra down, and mlinfra up",
        )
    return secret


def _create(path: Path, text: str) -> None:
    """Create the file completely or not at all; of two processes that do so the first one wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
