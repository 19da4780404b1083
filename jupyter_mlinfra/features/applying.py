"""Apply: run the user's definition files, check them against their sources, and only then change
the registry.

Runs in a process of its own (`worker.py`): definition files are the user's code.
"""

from __future__ import annotations

import importlib
import os
import re
import sqlite3
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError, NotFound, Unavailable, Unprocessable
from ..core.events import telling
from ..core.files import file_lock, write_atomic
from ..core.refs import reference
from .definitions import Definition
from .registry import definitions, rebuild_index
from .repo import is_sqlite, open_store, registry_file, require_folder
from .spec import AppliedViews
from .store import FeatureFiles

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView, RepoConfig
    from feast.repo_contents import RepoContents

    from ..core.project import Project


def apply(project: Project) -> AppliedViews:
    """Make the registry match the definition files; deletes views that are no longer defined.

    Raises NotFound without definitions, Unprocessable if a file or a view is broken; the registry
    is then unchanged.
    """
    repo = require_folder(project)
    with file_lock(project.folder("features") / "lock"):
        contents = load_definitions(repo)
        feast = open_store(project)
        old_views = {item.name: item for item in definitions(feast)}
        _check_project(contents, feast)
        join_keys = {entity.name: entity.join_key for entity in contents.entities}
        for view in contents.feature_views:
            check_source(view, repo, join_keys)
            check_types(view, feast.config)
        with restored_on_failure(registry_file(project)):
            _apply(feast, contents)
        new_views = {item.name: item for item in rebuild_index(project)}
    applied = _changes(old_views, new_views)
    _record_changes(project, applied, new_views)
    return applied


def load_definitions(repo: Path) -> RepoContents:
    """Import every definition file, as Feast would, and collect what they define.

    Raises Unprocessable naming file and line.
    """
    from feast.repo_operations import get_repo_files, parse_repo

    os.chdir(repo)  # Feast derives module names from the working directory
    sys.path.insert(0, str(repo))
    for file in get_repo_files(repo):
        module = ".".join(file.relative_to(repo).with_suffix("").parts)
        try:
            loaded = importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise _load_error(file, repo, error) from error
        if Path(loaded.__file__ or "").resolve() != file:
            raise Unprocessable(
                f"{file.relative_to(repo)} was not read.",
                f"Its name is that of a module of {loaded.__file__}.",
                "Rename the file.",
            )
    return parse_repo(repo)


def _load_error(file: Path, repo: Path, error: BaseException) -> Unprocessable:
    locations = [
        (Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        locations.append((Path(error.filename), error.lineno))
    # "<frozen …>" is not a file.
    in_repo = [
        (path, line) for path, line in locations if path.is_absolute() and path.is_relative_to(repo)
    ]
    path, line = in_repo[-1] if in_repo else (file, None)
    if isinstance(error, MLInfraError):
        reason = f"{error.what} {error.why}".strip()
    else:
        reason = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    return Unprocessable(
        f"{path.relative_to(repo)}, line {line or 1}: the definitions cannot be loaded.",
        f"{reason}.",
        "Correct it; the registry is unchanged.",
    )


def _check_project(contents: RepoContents, feast: FeatureStore) -> None:
    from feast.project import Project as FeastProject

    names = [item.name for item in contents.projects]
    if names not in ([], [feast.project]):
        raise Unprocessable(
            f"The definitions are for {', '.join(names)}.",
            f"This is the project {feast.project}.",
            "Leave Project(…) out, or give it that name.",
        )
    if not names:
        contents.projects.append(FeastProject(name=feast.project))


def check_source(view: FeatureView, repo: Path, join_keys: Mapping[str, str]) -> None:
    """Check that the source can be read and has the columns of the view, and that its time columns
    hold times.

    join_keys: by entity. Raises Unprocessable, or NotFound for a source that is absent, naming
    file, line and view.
    """
    from .dataset_source import spec_of
    from .join import JoinView, require_time
    from .sources import scan

    if view.batch_source is None:
        return
    source = spec_of(view.batch_source.to_proto())
    if source.kind == "other":
        return  # another offline store reads this source
    try:
        frame = scan(source, repo)
        schema = frame.collect_schema()
        for column in (source.time, source.created):
            if column:
                require_time(schema, column, f"The rows of {source.name}")
        keys = {
            join_keys[name]: join_keys[name]
            for name in view.entities
            if not join_keys[name].startswith("__dummy")
        }
        JoinView(
            name=view.name,
            frame=frame,
            keys=keys,
            features={field.name: field.name for field in view.features},
            time=source.time,
        )
    except MLInfraError as error:
        error_type = type(error) if isinstance(error, NotFound | Unavailable) else Unprocessable
        raise error_type(
            f"{_location(view.name, repo)}: {error.what}", error.why, error.fix
        ) from error


def check_types(view: FeatureView, config: RepoConfig) -> None:
    """If the view names no features and takes all columns, check that Feast has a type for every
    column of the source.

    Raises Unprocessable naming file, line, view and column.
    """
    from feast.types import from_value_type

    from .dataset_source import spec_of
    from .offline import PolarsOfflineStore

    source = view.batch_source
    if source is None or view.features or spec_of(source.to_proto()).kind == "other":
        return
    translate = source.source_datatype_to_feast_value_type()
    reader = PolarsOfflineStore()
    columns = reader.get_table_column_names_and_types_from_data_source(config, source)
    for column, arrow_type in columns:
        if column in (source.timestamp_field, source.created_timestamp_column) or column.startswith(
            "__"
        ):
            continue
        try:
            from_value_type(translate(arrow_type))
        except (KeyError, ValueError) as error:
            why = "Without schema=[…] every column of the source is a feature."
            fix = (
                "Name the columns that you want, as schema=[Field(name=…, dtype=…)], or convert the"
                " column."
            )
            raise Unprocessable(
                f"{_location(view.name, config.repo_path)}: Feast has no type for column {column}"
                f" ({arrow_type}).",
                why,
                fix,
            ) from error


def _location(name: str, repo: Path) -> str:
    """File and line of a view, found by its quoted name; only the name if it is composed in
    code.
    """
    for file in sorted(repo.rglob("*.py")):
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
            if re.search(rf"name\s*=\s*(['\"]){re.escape(name)}\1", line):
                return f"{file.relative_to(repo)}, line {number}, {name}"
    return name


@contextmanager
def restored_on_failure(registry: Path | None) -> Iterator[None]:
    """Feast writes object by object: if one fails, restore a local registry to its former state."""
    if registry is None or not registry.exists():
        yield
    elif is_sqlite(registry):
        with (
            closing(sqlite3.connect(":memory:")) as copy,
            closing(sqlite3.connect(registry)) as live,
        ):
            live.backup(copy)
            try:
                yield
            except BaseException:
                copy.backup(live)  # one transaction, also if another process has the file open
                raise
    else:
        content = registry.read_bytes()
        try:
            yield
        except BaseException:
            write_atomic(registry, content)
            raise


def _apply(feast: FeatureStore, contents: RepoContents) -> None:
    from feast.errors import FeastError
    from feast.repo_operations import apply_total_with_repo_instance

    try:
        apply_total_with_repo_instance(
            feast, feast.project, feast.registry, contents, skip_source_validation=True
        )
    except (FeastError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise Unprocessable(
            "Feast refused the definitions.",
            f"{type(error).__name__}: {error}.",
            "Correct them; the registry is unchanged.",
        ) from error


def _changes(
    old_views: Mapping[str, Definition], new_views: Mapping[str, Definition]
) -> AppliedViews:
    common = sorted(old_views.keys() & new_views.keys())
    return AppliedViews(
        created=sorted(new_views.keys() - old_views.keys()),
        updated=[name for name in common if old_views[name].digest != new_views[name].digest],
        deleted=sorted(old_views.keys() - new_views.keys()),
        unchanged=[name for name in common if old_views[name].digest == new_views[name].digest],
    )


def _record_changes(
    project: Project, applied: AppliedViews, views: Mapping[str, Definition]
) -> None:
    """Record in lineage what each changed view reads, and add the change to the event log."""
    FeatureFiles(project).set_materializations(dict.fromkeys(applied.deleted))
    groups: Sequence[tuple[str, Sequence[str]]] = (
        ("created", applied.created),
        ("updated", applied.updated),
        ("deleted", applied.deleted),
    )
    for change, names in groups:
        for name in names:
            source, ref = views[name].source if name in views else None, reference("view", name)
            with telling(f"{ref} is {change}"):
                if source:
                    project.lineage.record("features.apply", inputs=[source.ref], outputs=[ref])
                project.events.emit("view", ref, _facts(change, views.get(name)))


def _facts(change: str, view: Definition | None) -> dict[str, Any]:
    return {"change": change, "features": len(view.features) if view else 0}
