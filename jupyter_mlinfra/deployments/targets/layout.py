"""Where the local target keeps its files, and how its processes are marked."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...core.project import Project

LOCK = "keeper.lock"
POKE = "poke"
FIGURES = "figures.json"


def run_folder(project: Project) -> Path:
    """Sockets, Envoy's files and the keeper's lock; readable by the owner only."""
    folder = project.folder("deployments", "run")
    folder.chmod(0o700)
    return folder


def bundles_folder(project: Project) -> Path:
    """Packaged model versions, named by content."""
    return project.folder("deployments", "bundles")


def logs_folder(project: Project) -> Path:
    """Output of serving processes, keeper and gateway."""
    return project.folder("logs", "deployments")


def gateway_log(project: Project) -> Path:
    """Output of Envoy, of its last start."""
    return logs_folder(project) / "gateway.log"


def payload_folder(project: Project, deployment: str) -> Path:
    """The payload log of a deployment."""
    return project.folder("payloads", deployment)


def token_of(project: Project, part: str = "serve") -> str:
    """The token that marks processes of this project."""
    return f"mlinfra-{part}-{hashlib.sha256(str(project.home).encode()).hexdigest()[:12]}"
