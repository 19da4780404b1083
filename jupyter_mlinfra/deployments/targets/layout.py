"""Where the local target keeps its files, and how its processes are marked."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...core.daemons.registration import FileRegistry, settings_digest
from ...core.project import Project
from ...core.runtime_folder import runtime_folder
from ..settings import DeploymentSettings

LOCK = "keeper.lock"
FIGURES = "figures.json"
GATEWAY_STATE = "gateway.json"


def run_folder(project: Project) -> Path:
    """Sockets, Envoy's files and the keeper's lock; readable by the owner only."""
    folder = project.folder("deployments", "run")
    folder.chmod(0o700)
    return folder


def figures_file(project: Project) -> Path:
    """What the keeper has read from the gateway. Not made, for those who only read."""
    return project.home / "deployments" / "run" / FIGURES


def gateway_state_file(project: Project) -> Path:
    """How the gateway is. Not made, for those who only read."""
    return project.home / "deployments" / "run" / GATEWAY_STATE


def socket_path(project: Project) -> Path:
    """Where the keeper is woken."""
    return runtime_folder(project.home) / "keeper.sock"


def registry_of(project: Project) -> FileRegistry:
    """Where the keeper records its address."""
    return FileRegistry(run_folder(project) / "keeper.json")


def digest_of(project: Project) -> str:
    """A digest of the settings that the keeper itself works with: when they change, it is replaced.
    Those of the gateway count from its next start.
    """
    settings = project.settings.of(DeploymentSettings)
    return settings_digest(
        [
            settings.payload_days,
            settings.payload_gib,
            settings.worker_memory_mib,
            settings.queue,
            settings.sticky_header,
            settings.patience_seconds,
            settings.require_token,
            settings.listen,
            settings.tls_certificate,
            settings.tls_key,
            settings.rate_limit,
            settings.rate_limits,
            settings.max_connections,
            settings.max_body_mib,
        ]
    )


def bundles_folder(project: Project) -> Path:
    """Packaged model versions, named by content."""
    return project.folder("deployments", "bundles")


def logs_folder(project: Project) -> Path:
    """Output of serving processes, keeper and gateway."""
    return project.folder("logs", "deployments")


def gateway_log(project: Project, number: int) -> Path:
    """Output of an Envoy, of its last start."""
    return logs_folder(project) / f"gateway.{number}.log"


def keeper_log(project: Project) -> Path:
    """Output of the keeper."""
    return logs_folder(project) / "keeper.log"


def payload_folders(project: Project) -> list[Path]:
    """The payload logs of all deployments, also of those that were deleted."""
    return sorted(path for path in (project.home / "payloads").glob("*") if path.is_dir())


def payload_folder(project: Project, deployment: str) -> Path:
    """The payload log of a deployment; made by its first serving process."""
    return project.home / "payloads" / deployment


def token_of(project: Project, part: str = "serve") -> str:
    """The token that marks processes of this project."""
    return f"mlinfra-{part}-{hashlib.sha256(str(project.home).encode()).hexdigest()[:12]}"
