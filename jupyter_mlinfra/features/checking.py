"""What is asked of a view before it is applied: that its source can be read and has its columns."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, NotFound, Unavailable, Unprocessable
from .leaving_out import views_of
from .loading import files_of

_BARE = re.compile(r"[A-Za-z0-9_$\x80-\U0010ffff]*")
"""What SQLite reads as one name."""
_LONGEST = 500
"""Of a name in an address of the server."""

if TYPE_CHECKING:
    from feast import FeatureView, RepoConfig
    from feast.base_feature_view import BaseFeatureView
    from feast.data_source import DataSource
    from feast.labeling import LabelView
    from feast.repo_contents import RepoContents

    from .definitions import WindowSpec


def broken_views(
    contents: RepoContents, repo: Path, config: RepoConfig, *, files: Path | None = None
) -> dict[str, MLInfraError]:
    """By view: why it cannot be applied. Views in order are not named.

    repo: what paths of sources are relative to. files: where the definition files are, if not
    there.
    """
    join_keys = {entity.name: entity.join_key for entity in contents.entities}
    broken: dict[str, MLInfraError] = {}
    for view in views_of(contents):
        try:
            check_name(view, config, files=files or repo)
            if getattr(view, "batch_source", None) is None:
                continue  # one that is computed from other views, or only pushed to
            check_source(view, repo, join_keys, files=files)
            check_types(view, config, files=files)
        except MLInfraError as error:
            broken[view.name] = error
    return broken


def check_name(view: BaseFeatureView, config: RepoConfig, *, files: Path | None = None) -> None:
    """Check that Feast takes what the definition says of a view, that its page can have an address,
    and that Feast's SQLite online store can make its table, whose name it does not quote. files:
    see `broken_views`.

    Raises Unprocessable naming file, line and view.
    Source: `SqliteTable.update` of `feast.infra.online_stores.sqlite`, for what `plan` lists.
    """
    from feast import OnDemandFeatureView

    def place() -> str:
        return _location(view.name, files or config.repo_path) or "A view"

    try:
        view.ensure_valid()
        view.to_proto().SerializeToString()
    except ValueError as error:
        raise Unprocessable(
            f"{place()}: Feast refuses it.", f"{error}", "Correct the definition."
        ) from error
    if len(view.name) > _LONGEST or not view.name.isprintable():
        raise Unprocessable(
            f"{view.name[:80]!a} cannot be the name of a view.",
            f"A name has at most {_LONGEST} characters, all of them printable.",
            "Give it another name.",
        )
    online = config.online_store.type if config.online_store else ""
    if (
        online == "sqlite"
        and not isinstance(view, OnDemandFeatureView)  # of one that is written it quotes it
        and not _BARE.fullmatch(view.name)
    ):
        sign = next(sign for sign in view.name if not _BARE.fullmatch(sign))
        raise Unprocessable(
            f"{place()}: {view.name!r} cannot be the name of a table.",
            f"Feast's SQLite online store does not quote it, and it has the sign {sign!r}.",
            "Use letters, digits and _ only, or another online store.",
        )


def check_source(
    view: FeatureView | LabelView,
    repo: Path,
    join_keys: Mapping[str, str],
    *,
    files: Path | None = None,
) -> None:
    """Check that the source can be read and has the columns of the view, and that its time columns
    hold times. Of a view that computes its values only the times.

    join_keys: by entity. files: see `broken_views`. Raises Unprocessable, or NotFound for a source
    that is absent, naming file, line and view.
    """
    from .dataset_source import spec_of
    from .join import JoinView, require_time
    from .sources import readable, scan

    if view.batch_source is None:
        return
    source = spec_of(view.batch_source.to_proto())
    if source.kind == "other":
        return  # another offline store reads this source
    try:
        with readable(source):
            frame = scan(source, repo)
            schema = frame.collect_schema()
        for column in (source.time, source.created):
            if column:
                require_time(schema, column, f"The rows of {source.name}")
        keys = [_join_key(name, join_keys) for name in view.entities]
        if transforms(view):
            return
        JoinView(
            name=view.name,
            frame=frame,
            keys={key: key for key in keys if not key.startswith("__dummy")},
            features={field.name: field.name for field in view.features if field.name not in keys},
            time=source.time,
            windows=_windows(view),
            types={field.name: field.dtype.to_value_type().name for field in view.features},
        )
    except MLInfraError as error:
        error_type = type(error) if isinstance(error, NotFound | Unavailable) else Unprocessable
        raise error_type(
            f"{_location(view.name, files or repo)}: {error.what}", error.why, error.fix
        ) from error


def _windows(view: FeatureView | LabelView) -> list[WindowSpec]:
    from .windows import windows_of

    windows = windows_of(view)
    if windows and not view.features:
        raise Unprocessable(
            f"{view.name} names no features.",
            "Without schema=[…] every column of the source would be one.",
            f"Name what its aggregations give: schema=[Field(name={windows[0].feature!r}, …)].",
        )
    return windows


def transforms(view: FeatureView | LabelView) -> bool:
    """Whether a transformation makes columns that no source has."""
    return any(
        getattr(view, name, None) for name in ("feature_transformation", "udf", "source_views")
    )


def _join_key(entity: str, join_keys: Mapping[str, str]) -> str:
    if entity not in join_keys:
        raise Unprocessable(
            f"There is no entity {entity}.",
            "Feast finds entities by the names that they have in a definition file.",
            f"Write `{entity} = Entity(…)` on a line of its own, and use that name.",
        )
    return join_keys[entity]


def check_types(
    view: FeatureView | LabelView, config: RepoConfig, *, files: Path | None = None
) -> None:
    """If the view names no features and takes all columns, check that Feast has a type for every
    column of the source.

    Raises Unprocessable naming file, line, view and column.
    """
    from feast.types import from_value_type

    from .dataset_source import spec_of

    source = view.batch_source
    if source is None or view.features or spec_of(source.to_proto()).kind == "other":
        return
    translate = source.source_datatype_to_feast_value_type()
    for column, arrow_type in arrow_columns(source, config):
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
                f"{_location(view.name, files or config.repo_path)}: Feast has no type for column"
                f" {column} ({arrow_type}).",
                why,
                fix,
            ) from error


def arrow_columns(source: DataSource, config: RepoConfig) -> Iterable[tuple[str, str]]:
    """The columns of a source and their types, as Feast's inference finds them: by the offline
    store, which may read what Feast alone does not.
    """
    from feast.infra.provider import get_provider

    found: Iterable[tuple[str, str]] = get_provider(
        config
    ).get_table_column_names_and_types_from_data_source(config, source)
    return found


def _location(name: str, repo: Path) -> str:
    """File and line of a view, found by its quoted name; only the name if it is composed in
    code.
    """
    repo = repo.resolve()
    for file in files_of(repo):
        with contextlib.suppress(OSError):  # the place is only a help
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
                if re.search(rf"name\s*=\s*(['\"]){re.escape(name)}\1", line):
                    return f"{os.path.relpath(file, repo)}, line {number}, {name}"
    return name
