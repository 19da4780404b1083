"""Apply: run the user's definition files, check them against their sources, and only then change
the registry.

Runs in a process of its own (`worker.py`): definition files are the user's code.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError, Unprocessable
from ..core.events import telling
from ..core.files import file_lock, write_atomic
from ..core.lineage import TOLD
from ..core.refs import reference
from .as_written import as_written
from .checking import broken_views
from .definitions import Definition, source_columns
from .feast_telling import told_of_apply
from .leaving_out import views_of, without
from .loading import UNCHANGED, load_definitions
from .online.writing import make_local_tables, make_tables_of_versions
from .registry import definitions, rebuild_index
from .registry_file import forget_foreign_tables_in_message, is_sqlite
from .repo import online_file, open_store, registry_file, require_folder
from .spec import AppliedViews, Unapplied
from .store import FeatureFiles

if TYPE_CHECKING:
    from feast import FeatureStore
    from feast.repo_contents import RepoContents

    from ..core.project import Project


def apply(project: Project) -> AppliedViews:
    """Make the registry match the definition files; deletes views that are no longer defined.

    A view that cannot be applied, and what uses it, is left out and named; the registry keeps what
    it has of it. One of which Feast needs nothing of the source is applied as it is written, if
    that replaces none that fitted; `notes` names it. Raises NotFound without definitions,
    Unprocessable if a file is broken, and the error of the first view if none can be applied; the
    registry is then unchanged.
    """
    repo = require_folder(project)
    with file_lock(project.folder("features") / "lock"):
        contents = load_definitions(repo)
        feast = open_store(project)
        if (online := online_file(feast.config)) is not None:
            forget_foreign_tables_in_message(registry_file(project), online)
        old_views = {item.name: item for item in definitions(feast)}
        _check_project(contents, feast)
        _check_texts(contents)
        broken = broken_views(contents, repo, feast.config)
        files = FeatureFiles(project)
        notes = as_written(
            broken, contents, feast.config, held=old_views.keys() - files.as_written()
        )
        broken = {name: error for name, error in broken.items() if name not in notes}
        applicable, left_out = without(contents, feast, broken)
        files.set_left_out(left_out)
        if broken and {view.name for view in views_of(contents)} <= {
            item.name for item in left_out if item.kind == "view"
        }:
            raise next(iter(broken.values()))
        with restored_on_failure(registry_file(project)), told_of_apply(feast) as told:
            _apply(feast, applicable)
        files.set_as_written(notes)
        new_views = {item.name: item for item in rebuild_index(project)}
        _make_tables(feast, applicable, new_views)
    applied = _changes(old_views, new_views, left_out, [*map(_note, notes.values())])
    _record_changes(project, applied, new_views, told())
    return applied


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
        words = feast.config.project_description or ""
        contents.projects.append(FeastProject(name=feast.project, description=words))


def _check_texts(contents: RepoContents) -> None:
    """Views are asked one by one, see `checking`; Feast's error does not say which object it is."""
    for item in (*contents.entities, *contents.data_sources, *contents.feature_services):
        try:
            item.to_proto().SerializeToString()
        except UnicodeEncodeError as error:
            raise refused(error, f"it is in {type(item).__name__} {item.name!r}") from error


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

    keep_windows(contents)
    try:
        apply_total_with_repo_instance(
            feast, feast.project, feast.registry, contents, skip_source_validation=True
        )
    except MLInfraError:
        raise
    except (FeastError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise refused(error, UNCHANGED) from error
    except (Exception, SystemExit) as error:
        if not _place_of(error):
            raise
        raise refused(error, UNCHANGED) from error


def _make_tables(
    feast: FeatureStore, contents: RepoContents, views: Mapping[str, Definition]
) -> None:
    """Make the online tables that Feast's own `apply` leaves out: those of versions, and in SQLite
    those of on-demand views that are written.
    """
    if feast.config.online_store is None:
        return
    online = {name for name, view in views.items() if view.online}
    written = {view.name for view in contents.on_demand_feature_views if view.write_to_online_store}
    tables = [
        feast.registry.get_any_feature_view(name, feast.project)
        for name in sorted(online | written)
    ]
    make_tables_of_versions(feast.config, tables)
    if written:
        make_local_tables(feast.config, tables)


def keep_windows(contents: RepoContents) -> None:
    """Let tags of batch views keep their aggregations, which Feast's registry cannot."""
    from feast import BatchFeatureView

    from .windows import tagged, windows_of

    for view in contents.feature_views:
        if isinstance(view, BatchFeatureView) and view.aggregations:
            view.tags = {**view.tags, **tagged(windows_of(view))}


_FIXES = {
    "DataSourceRepeatNamesException": (
        "Write the source once and use it in each view, or give one of them another name:"
        " DatasetSource(name=…, …)"
    )
}
"""What to do about an error of Feast, by its name."""


def _place_of(error: BaseException) -> str:
    """Where a function of the definitions failed, which Feast tries for what it gives; empty if it
    is none of them. The working directory is the repository.
    """
    mine = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(Path.cwd())
        and "site-packages" not in frame.filename  # of an environment in the repository
    ]
    return f"{Path(mine[-1].filename).name}, line {mine[-1].lineno}" if mine else ""


def refused(error: BaseException, kept: str) -> Unprocessable:
    """The error for definitions that Feast does not accept. kept: what stayed as it was."""
    place = _place_of(error)
    what = "Feast refused the definitions."
    fix = _FIXES.get(type(error).__name__, "Correct it" if place else "Correct them")
    return Unprocessable(
        f"{place}: a function failed when Feast tried it." if place else what,
        f"{type(error).__name__}: {str(error).rstrip('.')}.",
        f"{fix}; {kept}.",
    )


def _changes(
    old_views: Mapping[str, Definition],
    new_views: Mapping[str, Definition],
    left_out: Sequence[Unapplied],
    notes: Sequence[str],
) -> AppliedViews:
    common = sorted(old_views.keys() & new_views.keys())
    return AppliedViews(
        created=sorted(new_views.keys() - old_views.keys()),
        updated=[name for name in common if old_views[name].digest != new_views[name].digest],
        deleted=sorted(old_views.keys() - new_views.keys()),
        unchanged=[name for name in common if old_views[name].digest == new_views[name].digest],
        problems=left_out,
        notes=notes,
    )


def _note(error: MLInfraError) -> str:
    return f"{error.what} The view is applied as it is written. {error.fix}".strip()


def _record_changes(
    project: Project,
    applied: AppliedViews,
    views: Mapping[str, Definition],
    told: Sequence[str],
) -> None:
    """Record in lineage what each changed view reads, and add the change to the event log. told:
    endpoints that Feast has told of it.
    """
    FeatureFiles(project).forget_materializations(applied.deleted)
    groups: Sequence[tuple[str, Sequence[str]]] = (
        ("created", applied.created),
        ("updated", applied.updated),
        ("deleted", applied.deleted),
    )
    for change, names in groups:
        for name in names:
            view, ref = views.get(name), reference("view", name)
            with telling(f"{ref} is {change}"):
                if view and view.source:
                    source = view.source.state_ref
                    columns = {
                        feature: [(source, column)]
                        for feature, column in source_columns(view).items()
                    }
                    project.lineage.record(
                        "features.apply",
                        inputs=[source],
                        outputs=[ref],
                        facts={TOLD: told} if told else {},
                        columns=columns,
                    )
                project.events.emit("view", ref, _facts(change, view))


def _facts(change: str, view: Definition | None) -> dict[str, Any]:
    return {"change": change, "features": len(view.features) if view else 0}
