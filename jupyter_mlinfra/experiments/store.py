"""Where runs and models are stored: MLflow's store, its schema, and how this process connects to
it.

By default `.mlinfra/mlflow.db` (SQLite in WAL mode) with artifacts in `.mlinfra/artifacts`; no
server runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..core.errors import BadRequest, Conflict, Forbidden, MLInfraError, NotFound, Unavailable
from ..core.files import explain_os_error, file_lock, write_atomic
from ..core.http import proxy_advice
from ..core.imports import fix_of_missing, load_modules
from ..core.outbox import ARTIFACTS, RUNS, outbox
from ..core.project import Project
from ..core.secrets import is_reference, resolve
from ..core.sqlite import fix_of, is_damaged, sqlite_error
from ..core.variables import ONLY_HERE
from .artifacts import local_path
from .making import empty_store
from .relocating import relocate
from .settings import ExperimentSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks", "file")
ARTIFACT_ROOT, REGISTRY = "_MLFLOW_SERVER_ARTIFACT_ROOT", "MLFLOW_REGISTRY_URI"
TRACKING, ACTIVE = "MLFLOW_TRACKING_URI", "MLINFRA_ACTIVE_STORE"
"""MLflow's address, and the one that this package set: if they differ, the user chose the first."""
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",  # no warning if git is not installed
}
# A server that is down must not block a panel for minutes; a cell shows its results, no progress
# bars.
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_activating = threading.Lock()


def load_mlflow() -> None:
    """Import MLflow while no other thread imports a heavy library."""
    load_modules("mlflow", "mlflow.exceptions", "mlflow.telemetry", "sqlalchemy.exc")


def _disable_telemetry() -> None:
    """Switch telemetry off: MLflow may have been imported before our environment was set."""
    from mlflow.telemetry import get_telemetry_client, set_telemetry_client

    if get_telemetry_client() is not None:
        set_telemetry_client()


class TrackingStore:
    """MLflow's store of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._settings = project.settings.of(ExperimentSettings)
        self._outbox = outbox()
        self._schema_ready = False

    @property
    def uri(self) -> str:
        """The tracking URI. Raises BadRequest for a scheme that MLflow does not know."""
        text = resolve(self._settings.tracking_uri)
        scheme = text.partition(":")[0].partition("+")[0] or "sqlite"
        # A job on another machine: the file is collected with the rest of its outbox.
        if self._outbox is not None and scheme == "sqlite":
            return f"sqlite:///{self._outbox / RUNS}"
        if not text:
            return f"sqlite:///{self._project.home / 'mlflow.db'}"
        if scheme not in SCHEMES:
            raise BadRequest(
                "experiments.tracking_uri cannot be used.",
                f"Its scheme {scheme[:20]!r} is not one of {', '.join(SCHEMES)}.",
                "Correct it in mlinfra.toml.",
            )
        if scheme == "sqlite":
            return f"sqlite:///{self._project.root / unquote(text.partition(':///')[2])}"
        return text

    @property
    def shown_uri(self) -> str:
        """The URI without user and password, for messages."""
        uri = self.uri
        parts = urlsplit(uri)
        return (
            uri.replace(f"{parts.netloc.rpartition('@')[0]}@", "") if "@" in parts.netloc else uri
        )

    @property
    def has_secret(self) -> bool:
        """Whether the URI contains a password, or is itself one of the user's secrets."""
        return is_reference(self._settings.tracking_uri) or self.shown_uri != self.uri

    @property
    def sqlite(self) -> Path | None:
        """The SQLite file, if the store is one."""
        return (
            Path(self.uri.removeprefix("sqlite:///")) if self.uri.startswith("sqlite:///") else None
        )

    @property
    def artifacts(self) -> str | None:
        """Root of the artifacts of new experiments; None leaves it to the server."""
        if self._settings.artifacts and (self._outbox is None or ":" in self._settings.artifacts):
            return (
                self._settings.artifacts
                if ":" in self._settings.artifacts
                else str(self._project.root / self._settings.artifacts)
            )
        return str((self._outbox or self._project.home) / ARTIFACTS) if self.sqlite else None

    def environment(self) -> dict[str, str]:
        """What a process needs so that plain `mlflow` calls use this store: no telemetry, our URI,
        our artifacts.

        A URI with a secret is left out, because every child of that process would inherit it. There
        `activate` does the same.
        """
        variables = {
            **_DEFAULTS,
            **{key: os.environ[key] for key in _DEFAULTS if key in os.environ},
            **_ENVIRONMENT,
        }
        if not self.has_secret:
            variables |= {TRACKING: self.uri, ACTIVE: self.uri}
        if self.sqlite:
            variables[ONLY_HERE] = (
                f"{TRACKING},{ACTIVE},{ARTIFACT_ROOT}"  # no job on another machine opens this file
            )
        if self.artifacts and self.sqlite:
            # Where MLflow's SQL store puts artifacts of experiments that `mlflow.set_experiment`
            # creates, instead of ./mlruns.
            variables[ARTIFACT_ROOT] = self.artifacts
        return variables

    def activate(self) -> None:
        """Point `mlflow` in this process at the store; the schema is created once, before child
        processes start.

        Raises Unavailable if the store cannot be written or its server does not answer.
        """
        with _activating:
            os.environ.update(self.environment())
            load_mlflow()
            _disable_telemetry()
            self.point()
            self._create_schema()
        self.analyze()

    def prepare(self) -> None:
        """Create the schema if there is none yet."""
        self._create_schema()
        self.analyze()

    def prepare_at_once(self) -> None:
        """Create a known schema without MLflow if there is none yet, before processes start that
        would all create it at once. Errors are reported by whoever uses the store.
        """
        path = self.sqlite
        if path is None or path.exists():
            return
        with contextlib.suppress(MLInfraError, OSError, sqlite3.Error), self.schema_lock():
            content = None if path.exists() else empty_store(self._artifact_root)
            if content is not None:
                self._write_empty(path, content)

    def point(self) -> None:
        """Make plain `mlflow` calls of this process use the store. MLflow passes the URI on to
        child processes, but not one with a secret.
        """
        import mlflow

        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        if self.has_secret:
            for name in (TRACKING, REGISTRY):
                os.environ.pop(name, None)

    def client(self) -> MlflowClient:
        """MLflow's client of this store, schema included."""
        self.activate()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def schema_lock(self) -> contextlib.AbstractContextManager[int]:
        """Held while the schema is created."""
        return file_lock(self._lock_folder() / "mlflow.schema.lock")

    def write_lock(self) -> contextlib.AbstractContextManager[int]:
        """Held while versions are numbered and aliases move, so that two processes take turns."""
        return file_lock(self._lock_folder() / "mlflow.registry.lock")

    def _lock_folder(self) -> Path:
        if self._outbox is None:
            return self._project.home
        with contextlib.suppress(OSError):  # the lock says what is wrong
            self._outbox.mkdir(mode=0o700, exist_ok=True)  # in the folder of its job
        return self._outbox

    def _create_schema(self) -> None:
        path = self.sqlite
        if path is None or (self._schema_ready and path.exists()):
            return
        # Before the lock: a thread that imports it meanwhile would wait for that lock in `ambient`
        # while it holds the import lock.
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

        with self.schema_lock(), explained(self):
            if not path.exists():
                with reading(path):
                    self._write_empty(
                        path,
                        empty_store(self._artifact_root) or self._created_by_mlflow(path.parent),
                    )
            self.migrate(path)
            if self._outbox is None and local_path(self._artifact_root) is not None:
                relocate(path, self._artifact_root)
            self._schema_ready = True

    def _created_by_mlflow(self, parent: Path) -> bytes:
        """An empty store. MLflow migrates through 68 revisions; the file is created elsewhere
        and then moved here, so it is either complete or absent.
        """
        with tempfile.TemporaryDirectory(dir=parent, prefix=".mlflow-") as folder:
            draft = Path(folder) / "mlflow.db"
            self.migrate(draft)
            return draft.read_bytes()

    def _write_empty(self, path: Path, content: bytes) -> None:
        try:
            write_atomic(path, content)
        except Unavailable as error:
            raise Unavailable(
                f"The experiment store {path} could not be created.", error.why, error.fix
            ) from error
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
            # WAL lets a panel read while a job writes. Its shared memory does not work on a network
            # share.
            connection.execute(f"PRAGMA journal_mode={'WAL' if self._outbox is None else 'DELETE'}")

    @property
    def _artifact_root(self) -> str:
        return self.artifacts or str(self._project.home / ARTIFACTS)

    def migrate(self, path: Path) -> None:
        """Upgrade a SQLite file of MLflow to the schema of this version."""
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        # It would log about tables in the user's cell.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        # Not through MLflow's client, which builds stores under a lock inside which `ambient` is
        # called.
        SqlAlchemyStore(f"sqlite:///{path}", self._artifact_root)

    def analyze(self) -> None:
        """Update SQLite's statistics at first use and when the runs have doubled.

        Without them MLflow's own query that orders runs by a metric is quadratic: 4.2 s against
        0.04 s at 10,000 runs.
        """
        if self.sqlite is None or not self.sqlite.exists():
            return
        # A busy or read-only store is left as it is: this only makes queries faster.
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(
                sqlite3.connect(f"file:{self.sqlite}?mode=rw", uri=True, timeout=1)
            ) as connection,
        ):
            runs = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
            if runs and runs >= 2 * _analyzed(connection):
                connection.execute("PRAGMA analysis_limit=1000")
                connection.execute("ANALYZE")


def _analyzed(connection: sqlite3.Connection) -> int:
    try:
        row = connection.execute(
            "SELECT stat FROM sqlite_stat1 WHERE tbl = 'runs' LIMIT 1"
        ).fetchone()
    except sqlite3.OperationalError:  # never analyzed
        return 0
    return int(row[0].split()[0]) if row else 0


def _sqlite_failure(error: sqlite3.Error, path: Path) -> MLInfraError:
    what = f"The experiment store {path} {'is damaged' if is_damaged(error) else 'cannot be used'}."
    return Unavailable(what, f"SQLite says: {error}.", fix_of(error) or "Report this: it is a bug.")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into errors that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _sqlite_failure(error, path) from error


_BY_CODE: dict[str, type[MLInfraError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "RESOURCE_ALREADY_EXISTS": Conflict,
    "INVALID_PARAMETER_VALUE": BadRequest,
    "BAD_REQUEST": BadRequest,
    "PERMISSION_DENIED": Forbidden,
    "UNAUTHENTICATED": Forbidden,
}

_NOT_FROM_MLFLOW = "API request to endpoint"
"""How MLflow's message begins when an answer is not the JSON of an MLflow server."""


@contextlib.contextmanager
def explained(store: TrackingStore) -> Iterator[None]:
    """Turn MLflow's exceptions into errors of the workbench."""
    load_mlflow()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise _missing_driver(error, store) from error
    except (MlflowException, SQLAlchemyError) as error:
        if isinstance(error.__cause__ or error.__context__, ModuleNotFoundError):
            raise _missing_driver(error.__cause__ or error.__context__, store) from error
        cause, path = sqlite_error(error), store.sqlite
        if cause is not None and path is not None and fix_of(cause):
            raise _sqlite_failure(cause, path) from error
        raise _mlflow_failure(
            str(getattr(error, "message", error)), str(getattr(error, "error_code", "")), store
        ) from error
    except OSError as error:
        raise explain_os_error(error, "The artifacts could not be used.") from error


def _missing_driver(error: BaseException | None, store: TrackingStore) -> Unavailable:
    """A database, or the storage of the artifacts, needs a package that is not installed."""
    name = str(getattr(error, "name", "") or "")
    shown = store.shown_uri.partition("?")[0]
    return Unavailable(
        f"The experiment store {shown} needs {name or 'a package'}.",
        "That package is not installed.",
        fix_of_missing(name),
    )


def _unknown_schema(message: str) -> str:
    """The schema of a store, if the installed MLflow does not know it."""
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError
    from mlflow.store import db_migrations

    match = re.search(r"found version (\w+)", message)
    if match is None:
        return ""
    try:
        ScriptDirectory(str(Path(db_migrations.__file__).parent)).get_revision(match[1])
    except CommandError:
        return match[1]
    return ""


def _mlflow_failure(message: str, code: str, store: TrackingStore) -> MLInfraError:
    text = message.partition("\n")[0]
    if "out-of-date database schema" in text and (schema := _unknown_schema(text)):
        return Unavailable(
            "The experiment store was written by a newer MLflow than the one installed here.",
            f"Its schema {schema} is not known to this MLflow.",
            "Update MLflow here: pip install --upgrade mlflow. Nothing is wrong with the store.",
        )
    if "out-of-date database schema" in text:
        return Unavailable(
            "The experiment store was written by an older MLflow.",
            text[:200],
            f"Back it up, then run: mlflow db upgrade {store.shown_uri}",
        )
    proxied, fix = proxy_advice(store.uri)
    if code in _BY_CODE and not (proxied and text.startswith(_NOT_FROM_MLFLOW)):
        return _BY_CODE[code]("The experiment store refused the request.", text[:500])
    return Unavailable(
        f"The experiment store {store.shown_uri} does not answer.",
        f"{proxied} {text[:500].replace(store.uri, store.shown_uri)}".strip(),
        fix or "Try again; see that the store is up and can be written.",
    )
