"""The address for other machines, as the keeper sees it: opened, closed, and its certificate
renewed, while the Envoys run.

It is open only while some deployment has a valid key. What is wrong with it never keeps the
project's own address from answering.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ....core.daemons.daemon import say
from ....core.errors import MLInfraError
from ....core.files import explain_os_error
from ....core.project import Project
from ...access.listening import NO_KEYS, fingerprint, public_address
from ...gateway import DeploymentPlan, Keys, PublicAddress
from ...settings import DeploymentSettings
from .. import ports
from . import access, configuration, watched_files
from .names import CERTIFICATE, LISTENERS, PUBLIC_ROUTES

NOT_OPENED = "Envoy has not opened it; see .mlinfra/logs/deployments."
NOT_CLOSED = "Envoy does not say that it is closed; mlinfra down closes it."
WAIT_SECONDS = 3.0
RETRY_SECONDS = 30.0
CLOSE_SECONDS = 3.0
"""Between two tries to close it; each takes a while, and the keeper has other work."""


class PublicGate:
    """Whether and how other machines reach the gateway. The working folder is Envoy's.

    behind: whether an Envoy may still take keys that have ended, because it has not said that it
    uses the present ones.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._reservation: socket.socket | None = None
        self._failed: dict[str, str] = {}
        self._retry_at = self._close_at = 0.0
        self._last: PublicAddress | None = None
        self.problem = ""
        # An earlier keeper may have left it so.
        self.behind = Path(PUBLIC_ROUTES).exists()

    @property
    def is_open(self) -> bool:
        """Whether Envoy listens there."""
        return self._last is not None

    @property
    def encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self._last is not None and bool(self._last.certificate)

    @property
    def wanted(self) -> str:
        """The address in the settings; empty if there is none."""
        return self._project.settings.of(DeploymentSettings).listen

    def keep(self, plans: Sequence[DeploymentPlan], keys: Keys, *, own_port: int) -> None:
        """Bring it about; `is_open`, `problem` and `behind` say how it is then. own_port: of the
        project's own address.
        """
        public, problem = self._address(plans)
        if public is not None and not self._may_bind(public, own_port):
            problem, public = str(ports.taken(public.port)), None
        if public is None and not self.is_open and not self.behind and not _is_ours():
            self._note(None, problem)  # nothing to close
            return
        if public is None:
            self._close(plans, keys, problem)
            return
        contents = configuration.public_files(plans, keys=keys, public=public)
        if contents == self._failed and time.monotonic() < self._retry_at:
            if self.behind:
                self._close(plans, keys, problem or NOT_OPENED)
            return  # each try takes a while
        if self._publish(contents):
            self._failed, self.behind = {}, False
            _forget_links(public)
            self._note(public, problem)
            return
        self._failed, self._retry_at = contents, time.monotonic() + RETRY_SECONDS
        # It must not stay as it was: a key may have been revoked.
        self._close(plans, keys, problem or NOT_OPENED)

    def _close(self, plans: Sequence[DeploymentPlan], keys: Keys, problem: str) -> None:
        """Close it. problem: why, if that is one. Connections are not cut off at once, so their
        keys end first.
        """
        if self.behind and time.monotonic() < self._close_at:
            return
        nobody = [replace(plan, keys={}) for plan in plans]
        ended = self._publish(configuration.public_routes(nobody, keys), if_used=True)
        gone = self._publish(configuration.public_files(plans, keys=keys, public=None))
        self.behind = not (ended and gone)
        self._close_at = time.monotonic() + CLOSE_SECONDS
        self._note(None, NOT_CLOSED if self.behind else problem)

    def _publish(self, contents: Mapping[str, str], *, if_used: bool = False) -> bool:
        with contextlib.suppress(OSError):  # the disk is full
            return watched_files.publish(contents, timeout=WAIT_SECONDS, if_used=if_used)
        return False

    def _note(self, public: PublicAddress | None, problem: str) -> None:
        if problem and problem != self.problem:
            say(f"about the address for other machines: {problem}")
        self._last, self.problem = public, problem
        if public is None:
            self.release()

    def closed(self) -> None:
        """The Envoys have ended."""
        self.behind = False
        self._note(None, "")

    def release(self) -> None:
        """Let others have its port."""
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None

    def _address(self, plans: Sequence[DeploymentPlan]) -> tuple[PublicAddress | None, str]:
        """Where it is to listen; None, with the reason, where it must not. While its files cannot
        be used, those that Envoy has read stay in use.
        """
        if not self.wanted:
            return None, ""
        try:
            public = public_address(self._project)
            if public is not None and public.certificate:
                public = _linked(public)
        except (MLInfraError, OSError) as error:
            known = (
                error
                if isinstance(error, MLInfraError)
                else explain_os_error(error, "The files of TLS cannot be read.")
            )
            public, problem = self._last or self._adopted(), str(known)
        else:
            problem = ""
        if not any(plan.keys for plan in plans):
            return None, problem or f"{NO_KEYS}."
        return public, problem

    def _adopted(self) -> PublicAddress | None:
        """The address as an earlier keeper has opened it, if it is still that of the settings. Only
        with TLS: one without it does not stay open where TLS is asked for.
        """
        found = None
        with contextlib.suppress(OSError, ValueError, LookupError):
            found = access.opened_with_tls(
                Path(LISTENERS).read_text(), Path(CERTIFICATE).read_text()
            )
        if found is None or self.wanted not in (
            f"{found.host}:{found.port}",
            f"[{found.host}]:{found.port}",
        ):
            return None
        settings = self._project.settings.of(DeploymentSettings)
        return replace(
            found,
            max_connections=settings.max_connections,
            max_body_bytes=int(settings.max_body_mib * (1 << 20)),
        )

    def _may_bind(self, public: PublicAddress, own_port: int) -> bool:
        """Whether nobody else has its port."""
        if self.is_open or public.port == own_port or _is_ours():
            return True
        self._reservation = self._reservation or ports.reserve(public.port, public.host)
        return self._reservation is not None


def _linked(public: PublicAddress) -> PublicAddress:
    """The same by names that change with the content of its files, so that Envoy reads them anew;
    they are not copied.
    """
    print_ = fingerprint(public)
    names = f"tls.{print_}.crt", f"tls.{print_}.key"
    for name, path in zip(names, (public.certificate, public.key), strict=True):
        if not Path(name).is_symlink():
            Path(name).symlink_to(path)
    return replace(public, certificate=names[0], key=names[1])


def _forget_links(public: PublicAddress | None) -> None:
    kept = (public.certificate, public.key) if public else ()
    for path in Path().glob("tls.*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _is_ours() -> bool:
    """Whether the files say that Envoy has it open."""
    with contextlib.suppress(OSError):
        return PUBLIC_ROUTES in Path(LISTENERS).read_text()
    return False
