"""Plain `mlflow` calls in a project use the project's store: in a notebook that imports this
package, in scripts, in jobs.

Nothing here imports MLflow: the store's address is in the environment, and the rest is done when
somebody else imports MLflow. An address that the user set, by `MLFLOW_TRACKING_URI` or
`mlflow.set_tracking_uri`, stays.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping

from ..core.errors import MLInfraError, NotFound
from ..core.imports import around_import
from ..core.outbox import node, outbox
from ..core.project import Project
from ..core.variables import ONLY_HERE
from .store import ACTIVE, ARTIFACT_ROOT, REGISTRY, TRACKING, TrackingStore


def adopt(project: Project | None = None) -> None:
    """Set the address of the project's store in this process, unless the user chose another one.
    Does nothing outside a project.
    """
    try:
        store = _store(project)
        if store is None or not _is_free(store):
            return
        variables = _with_store_variables(store, os.environ)
        for name in set(os.environ) - set(variables):
            del os.environ[name]
        os.environ.update(variables)
        if "mlflow" in sys.modules:
            point()
        if store.sqlite is not None:
            around_import(
                "mlflow.store.tracking.sqlalchemy_store",
                before=lambda: None,
                after=lambda: _prepare(store),
            )
    except MLInfraError as error:
        _warn(error)


def say_strays() -> None:
    """Print in a notebook which stores plain MLflow left in the project earlier."""
    from .service import Experiments

    try:
        note = Experiments(Project.open()).stray_note()
    except MLInfraError:
        return  # not in a project, or its store cannot be read, which is reported where it is used
    if note:
        print(note)  # noqa: T201


def with_store(project: Project, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment for a process that is about to start in the project, with the address of its
    store unless the user chose another one.
    """
    try:
        store = TrackingStore(project)
        if _user_chose_other(store, environment):
            return _without_own_variables(environment)
        # Jobs of plain MLflow that start together would otherwise all create it.
        store.prepare_at_once()
        return _with_store_variables(store, environment)
    except MLInfraError:
        return environment  # wrong settings are reported where the store is used


def _store(project: Project | None) -> TrackingStore | None:
    try:
        opened = project or Project.open()
    except NotFound:
        return None
    return TrackingStore(opened)


def _user_chose_other(store: TrackingStore, environment: Mapping[str, str]) -> bool:
    """Whether the user chose another store; what a process of this package left in the environment
    does not count as chosen.
    """
    return environment.get(TRACKING, "") not in ("", environment.get(ACTIVE), store.uri)


def _is_free(store: TrackingStore) -> bool:
    if _user_chose_other(store, os.environ):
        return False
    if store.sqlite is not None and node() and outbox() is None:
        message = (
            "This job runs on another machine, where the SQLite file of the runs is not to be"
            " opened; a tracking server can be reached from there."
        )
        warnings.warn(f"{message} Set it in mlinfra.toml: [experiments] tracking_uri", stacklevel=2)
        return False
    mlflow = sys.modules.get("mlflow")
    if (
        mlflow is not None
        and getattr(mlflow, "active_run", lambda: None)() is not None
        and mlflow.get_tracking_uri() != store.uri
    ):
        warnings.warn(
            "A run is active in another store, so MLflow stays there. End it, then: %load_ext"
            " jupyter_mlinfra",
            stacklevel=2,
        )
        return False
    return True


def _with_store_variables(store: TrackingStore, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the variables of the store, which never override the user's, and without
    those of another project.
    """
    return {**store.environment(), **_without_own_variables(environment)}


def _without_own_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a process of this package set for its own store."""
    if ACTIVE not in environment and ONLY_HERE not in environment:
        return dict(environment)
    addresses = {
        name for name in (TRACKING, REGISTRY) if environment.get(name) == environment.get(ACTIVE)
    }
    return {
        name: value
        for name, value in environment.items()
        if name not in {ACTIVE, ONLY_HERE, ARTIFACT_ROOT, *addresses}
    }


def point() -> None:
    """Set an address that contains a secret, once MLflow is loaded: no environment holds it."""
    try:
        store = _store(None)
        if store is not None and store.has_secret and _is_free(store):
            store.point()
    except MLInfraError as error:
        _warn(error)


def _prepare(store: TrackingStore) -> None:
    """Create the schema under the project's lock before MLflow does so on its own: jobs that start
    together would do it together.
    """
    import mlflow

    if mlflow.get_tracking_uri() == store.uri:
        try:
            store.prepare()
        except MLInfraError as error:
            _warn(error)


def _warn(error: MLInfraError) -> None:
    warnings.warn(f"Plain mlflow calls do not reach the project's store: {error}", stacklevel=2)
