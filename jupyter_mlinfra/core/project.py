"""A project: a folder with `mlinfra.toml`, and the state below it."""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import re
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MLInfraError, NotFound, Unavailable
from .files import explain_os_error, make_below, write_atomic
from .outbox import LINEAGE, EventOutbox, node, outbox
from .settings import FILE, Settings, load_settings
from .variables import DETACHED, JOB, PROJECT

if TYPE_CHECKING:
    from .database import Database
    from .events import EventLog
    from .lineage import Lineage
    from .lineage.sending import Sender
    from .search import SearchIndex

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def find_root(start: Path | str | None = None) -> Path:
    """The nearest folder at or above `start` (default: MLINFRA_PROJECT, else the working directory)
    with `mlinfra.toml`.

    Raises NotFound when there is none.
    """
    begin = Path(start or os.environ.get("MLINFRA_PROJECT") or Path.cwd()).resolve()
    for folder in (begin, *begin.parents):
        if (folder / FILE).is_file():
            return folder
    why = f"Neither it nor a folder above it has {FILE}."
    raise NotFound(
        f"{begin} is in no project.",
        why,
        f"In the folder where the project begins: mlinfra init (an empty {FILE} is enough).",
    )


class Project:
    """Settings, folders and state of one project. Opening costs nothing until something is used."""

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self.root = root.resolve()
        self.settings = settings or load_settings(self.root)
        self._anew = _may_begin(self.root)

    @classmethod
    def open(cls, path: Path | str | None = None) -> Project:
        """Find the project upwards from `path`."""
        return cls(find_root(path))

    @property
    def name(self) -> str:
        """Short name, a DNS label; also the namespace of its deployments."""
        return (
            self.settings.project.name
            or re.sub(r"[^a-z0-9]+", "-", self.root.name.lower()).strip("-")
            or "project"
        )

    @property
    def user(self) -> str:
        """Who acts: MLINFRA_USER, JUPYTERHUB_USER, else the account; `uid-N` in a container whose
        user has no name.
        """
        return os.environ.get("MLINFRA_USER") or os.environ.get("JUPYTERHUB_USER") or _account()

    @cached_property
    def home(self) -> Path:
        """The state folder, created on first use by what a user calls. Only its owner can read it,
        unless the project itself lies in it.

        Raises Unavailable for one that is open to others and cannot be closed, and in a job of the
        project and a process in the background if it is gone.
        """
        home = (self.root / self.settings.home).resolve()
        try:
            if self._anew:
                home.mkdir(parents=True, exist_ok=True, mode=0o700)
            elif not home.exists():
                raise Unavailable(
                    f"The project's state folder {home} is gone.",
                    "It was deleted, or moved away, while this process worked for it.",
                    "Start the work again where the project is.",
                )
            # Otherwise it is the user's own folder, which is neither closed nor hidden.
            if not self.root.is_relative_to(home):
                _keep_private(home)
                _hide_from_git(home)
        except OSError as error:
            raise explain_os_error(
                error, f"The project's state folder {home} cannot be made."
            ) from error
        return home

    @property
    def state(self) -> Path:
        """Where `state.db` is or would be; nothing is made."""
        return (self.root / self.settings.home).resolve() / "state.db"

    def folder(self, *parts: str) -> Path:
        """A folder below `home`, made on first use. Raises Unavailable if `home` was removed."""
        folder = self.home.joinpath(*parts)
        try:
            make_below(self.home, folder)
        except OSError as error:
            raise explain_os_error(error, f"{folder} cannot be made.") from error
        return folder

    @cached_property
    def database(self) -> Database:
        """`state.db`: jobs, pipeline runs, deployments, monitors, alerts, events.

        Raises Unavailable in a job on another machine: two machines must not open one SQLite file.
        """
        from .database import Database

        if where := node():
            raise Unavailable(
                f"The state of the project is not opened on {where}.",
                "This job runs on another machine than the project, and only one machine may open"
                " state.db.",
                "Here ml.track, mlflow and ml.report work; do what needs jobs, pipelines or"
                " deployments where JupyterLab runs.",
            )

        return Database(self.home / self.state.name, anew=self._anew)

    @cached_property
    def events(self) -> EventLog:
        """What happened, in the order in which it was committed."""
        from .events import EventLog

        folder = outbox()
        return EventLog(self.database) if folder is None else EventOutbox(folder)

    @cached_property
    def lineage(self) -> Lineage:
        """What was made from what, as OpenLineage events."""
        from .lineage import Lineage

        folder = outbox()
        if folder is not None:
            with contextlib.suppress(OSError):  # the record says what is wrong
                folder.mkdir(mode=0o700, exist_ok=True)  # in the folder of its job
        place = (folder or self.home) / LINEAGE
        # What a job elsewhere records is sent from here, when it has been collected.
        sender = None if folder else self._sender(place)
        return Lineage(place, namespace=self.name, sender=sender)

    def _sender(self, folder: Path) -> Sender | None:
        """What sends lineage to the endpoint of the settings; None without one."""
        from .lineage.settings import LineageSettings

        settings = self.settings.of(LineageSettings)
        if not settings.url:
            return None
        from .lineage.sending import Sender

        return Sender(folder, settings.url, settings.api_key)

    @cached_property
    def index(self) -> SearchIndex:
        """`index.db`: the search index; can be deleted and is then built again."""
        from .search import SearchIndex

        return SearchIndex(self.home / "index.db")


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the first before Python 3.13
        return f"uid-{os.getuid()}"


def _may_begin(root: Path) -> bool:
    """Whether this process may make the state of the project: not one that works for a state that
    there was, a daemon or a job.
    """
    environment = os.environ
    works = JOB in environment and environment.get(PROJECT) == str(root)
    return not works and DETACHED not in environment


def _keep_private(home: Path) -> None:
    """Close a state folder to other users if it was made by hand, copied or unpacked: it holds
    code, logs and answers of models.
    """
    mode = stat.S_IMODE(home.stat().st_mode)
    if not mode & _OTHERS:
        return
    if not mode & stat.S_ISVTX:  # a folder such as /tmp is not ours to close
        try:
            home.chmod(mode & ~_OTHERS)
        except OSError as error:
            if error.errno == errno.EROFS:  # a folder that cannot be changed can still be read
                return
        if not stat.S_IMODE(home.stat().st_mode) & _OTHERS:
            return
    why = (
        f"Its mode is {mode:04o}, and it cannot be closed: others use it too, it is of another"
        " user, or its file system keeps no modes."
    )
    fix = (
        "Let its owner run chmod 700 on it, or set `home` in mlinfra.toml to a folder of your own."
    )
    raise Unavailable(f"The project's state folder {home} is open to other users.", why, fix)


def _hide_from_git(home: Path) -> None:
    """Make git ignore the state folder, or it would list all of it as untracked files."""
    mark = home / ".gitignore"
    if not mark.exists():
        with contextlib.suppress(MLInfraError):  # a read-only state can still be read
            write_atomic(mark, b"*\n")
