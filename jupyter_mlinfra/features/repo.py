"""The Feast repository of the project: where its definitions are, and its configuration.

Without a feature_store.yaml everything is embedded: registry and online store are SQLite files in
the project's state folder. Keys of a feature_store.yaml in the repository take precedence, so a
move to Redis needs only `online_store: {type: redis, …}`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, NotFound, Unprocessable
from ..core.imports import load_modules
from .feast_servers import served_when_used
from .load_fixes import fix_of_store
from .registry_file import anchored, file_of, forget_foreign_tables
from .settings import FeatureSettings
from .type_checks import checked_when_used, unchecked

if TYPE_CHECKING:
    from feast import FeatureStore, RepoConfig
    from pydantic import ValidationError

    from ..core.project import Project
    from .definitions import Definition

YAML = "feature_store.yaml"
OFFLINE_STORE = "jupyter_mlinfra.features.PolarsOfflineStore"
OFFLINE_STORES = (OFFLINE_STORE, "jupyter_mlinfra.features.offline.PolarsOfflineStore")
"""The names of our store in feature_store.yaml; earlier versions used the second."""


def load_feast(*, checked: bool = True) -> None:
    """Import Feast and what is used of it here, while no other thread imports a heavy library:
    takes seconds once, then nothing. checked: whether this process may run definitions of a user,
    whose types Feast checks.
    """
    modules = (f"{__package__}.offline", f"{__package__}.dataset_source")
    with checked_when_used() if checked else unchecked(), served_when_used():
        load_modules(
            "feast",
            "feast.type_map",
            "feast.feature_view",
            "feast.infra.online_stores.helpers",
            "feast.infra.online_stores.sqlite",
            *modules,
        )


def folder(project: Project) -> Path:
    """The repository; it need not exist."""
    return project.root / project.settings.of(FeatureSettings).repo


def require_folder(project: Project) -> Path:
    """The repository. Raises NotFound if it has no definitions, because Feast would then delete all
    views.
    """
    repo = folder(project)
    if not any(repo.rglob("*.py")):
        fix = (
            "Write Entity and FeatureView objects to a file, then: mlinfra features define NAME"
            " FILE. Or begin with Define… in the panel Features, which writes them for a dataset."
        )
        raise NotFound(
            f"There are no feature definitions in {repo}.",
            "A feature repository is a folder of Python files with Feast objects.",
            fix,
        )
    return repo


def configuration(project: Project) -> dict[str, Any]:
    """Feast's configuration as plain values, without loading Feast."""
    home = project.folder("features")
    defaults: dict[str, Any] = {
        # Feast makes table names from it, and refuses hyphens there.
        "project": project.name.replace("-", "_"),
        "provider": "local",
        "registry": {
            "registry_type": "sql",
            "path": f"sqlite:///{home / 'registry.db'}",
            "cache_ttl_seconds": 60,
        },
        "online_store": {"type": "sqlite", "path": str(home / "online.db")},
        "offline_store": {"type": OFFLINE_STORE},
        "entity_key_serialization_version": 3,
    }
    settings = defaults | _user_settings(folder(project) / YAML)
    return settings | {"registry": anchored(settings["registry"], folder(project))}


def feast_config(project: Project) -> RepoConfig:
    """Feast's configuration object.

    Raises Unprocessable if Feast does not accept feature_store.yaml.
    """
    load_feast()
    from feast import RepoConfig
    from feast.errors import FeastError
    from pydantic import ValidationError

    try:
        config = RepoConfig(**configuration(project), repo_path=folder(project))
        # They are checked when they are first used.
        _ = (config.registry, config.online_store, config.offline_store)
    except ValidationError as error:
        raise _unusable(project, _faults(error)) from None  # it quotes the values, also passwords
    except (FeastError, ImportError, ValueError, KeyError) as error:
        cause = error.__cause__
        first_line = str(cause or "").partition("\n")[0]
        why = f"{error}. {first_line}." if first_line else f"{error}"
        raise _unusable(project, why, fix_of_store(error)) from error
    _require_registry_store(project, config)
    return config


def _unusable(project: Project, why: str, fix: str = "") -> Unprocessable:
    path = folder(project) / YAML
    unset = re.findall(r"\$\{(\w+)\}", why)
    if unset and not fix:
        fix = f"Set {unset[0]} in the environment of this program, or correct the file."
    return Unprocessable(
        f"{path} cannot be used.",
        why,
        fix or "Correct it: docs.feast.dev/reference/feature-repository",
    )


def _require_registry_store(project: Project, config: RepoConfig) -> None:
    """Raise Unprocessable for a class of registry stores that this Feast has no more."""
    from feast.infra.registry.registry import REGISTRY_STORE_CLASS_FOR_TYPE

    name = getattr(config.registry, "registry_store_type", None)
    if name and "." not in name and name not in REGISTRY_STORE_CLASS_FOR_TYPE:
        raise _unusable(
            project,
            f"Feast has no registry store {name}; it has"
            f" {', '.join(sorted(REGISTRY_STORE_CLASS_FOR_TYPE))}.",
            "A registry in a database is now `registry: {registry_type: sql, path:"
            " postgresql+psycopg://USER:PASSWORD@HOST/DATABASE}`.",
        )


def _faults(error: ValidationError) -> str:
    """What is wrong with which setting, without its value."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)


def open_store(project: Project) -> FeatureStore:
    """Feast's own object for this repository."""
    config = feast_config(project)
    from feast import FeatureStore

    if (online := online_file(config)) is not None:
        forget_foreign_tables(registry_file(project), online)
    return FeatureStore(repo_path=str(folder(project)), config=config)


def online_file(config: RepoConfig) -> Path | None:
    """The file of the online store; None for another store than SQLite."""
    if config.online_store is None or config.online_store.type != "sqlite":
        return None
    path: str = config.online_store.path
    return Path(config.repo_path) / path


def open_registry(project: Project) -> FeatureStore:
    """As `open_store`, to read the registry alone: it opens where the driver of a store that
    feature_store.yaml names is not installed.
    """
    try:
        return open_store(project)
    except Unprocessable:
        settings = configuration(project)
        kept = {key: settings[key] for key in ("project", "registry", "auth") if key in settings}
        from feast import FeatureStore, RepoConfig

        try:
            config = RepoConfig(
                **kept, online_store=None, offline_store=OFFLINE_STORE, repo_path=folder(project)
            )
            _require_registry_store(project, config)
        except Exception:  # noqa: BLE001  # the first error says more
            config = None
        if config is None:
            raise
        return FeatureStore(repo_path=str(folder(project)), config=config)


def require_one_table(project: Project) -> None:
    """Raise Conflict if feature_store.yaml keeps an online table of each version of a view: a
    deployment reads the table without a version.
    """
    if has_tables_of_versions(configuration(project)):
        raise Conflict(
            "Deployments cannot read this online store.",
            f"{YAML} keeps a table of each version of a view"
            " (enable_online_feature_view_versioning); a deployment has the one without a version.",
            "Set it to false, then apply and materialize.",
        )


def has_tables_of_versions(settings: Mapping[str, Any]) -> bool:
    """Whether the online store keeps a table of each version of a view. settings: those of
    `configuration`.
    """
    registry = settings.get("registry")
    return isinstance(registry, Mapping) and bool(
        registry.get("enable_online_feature_view_versioning")
    )


def online_name(view: Definition, *, versions: bool) -> str:
    """The name of a view, or of the version that its name pins, in the online store. versions:
    whether that has a table of each version.

    Source: `feast.infra.online_stores.helpers.compute_versioned_name`.
    """
    version = view.version if view.pinned is None else view.pinned
    return f"{view.view}_v{version}" if versions and version else view.view


def require_online_store(config: RepoConfig) -> None:
    """Raise Conflict if feature_store.yaml has no online store."""
    if config.online_store is None:
        fix = f"Remove that line from {config.repo_path / YAML}, or name a store there."
        raise Conflict(
            "This project has no online store.", f"{YAML} says `online_store: null`.", fix
        )


def registry_file(project: Project) -> Path | None:
    """The file of a local registry; None if it is remote, or elsewhere than in a file."""
    return file_of(configuration(project)["registry"], folder(project))


def _user_settings(path: Path) -> dict[str, Any]:
    import yaml

    if not path.is_file():
        return {}
    try:
        values = _parsed(os.path.expandvars(path.read_text()))
    except yaml.YAMLError as error:
        # Its own text quotes the line, where a password may be.
        mark = getattr(error, "problem_mark", None)
        raise Unprocessable(
            f"{path} is not YAML.",
            f"Line {mark.line + 1}, column {mark.column + 1}." if mark else type(error).__name__,
            "Correct it at that line: a text with special characters needs quotes.",
        ) from None
    if not isinstance(values, dict):
        raise Unprocessable(
            f"{path} holds no settings.",
            f"It is a {type(values).__name__}, not a mapping.",
            "Write `key: value` lines.",
        )
    return values


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """Each look-up asks where the registry is, and to parse the file costs more than the look-up.
    What it returns must not be changed.
    """
    import yaml

    return yaml.safe_load(text) or {}
