"""Rows into the source of a view, by the repository's offline store; in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ...core.files import file_lock
from ..registry import definitions
from ..repo import folder, open_store
from .once import Note

if TYPE_CHECKING:
    from ...core.project import Project


def append(project: Project, name: str, file: Path, note: Path) -> int:
    """Append the rows of a Parquet file to the source of a view, and return their number. Columns
    that the source does not have are left out. note: of the push; what it has added is not added
    again.

    Raises Unprocessable if a column of the source is missing, or if the offline store cannot write
    to this source.
    """
    from pyarrow import parquet

    from ..offline.writing import PANDAS_INDEX

    feast = open_store(project)
    view = feast.registry.get_any_feature_view(name, feast.project)
    source = view.batch_source
    offline = feast.provider.offline_store
    known = offline.get_table_column_names_and_types_from_data_source(feast.config, source)
    columns = [column for column, _ in known if not column.startswith(PANDAS_INDEX)]
    table = parquet.read_table(file)
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise Unprocessable(
            f"The rows for {name} have no column {missing[0]}.",
            f"Its source has {', '.join(columns)}.",
            "Add the column.",
        )
    rows = table.select(columns)
    source = next(item.source for item in definitions(feast) if item.name == name)
    assert source is not None  # `push` asks for one
    try:
        # A file is rewritten: two pushes at once would lose the rows of one of them.
        with file_lock(project.folder("features") / "append.lock"):
            Note(note).once(
                name,
                source,
                rows,
                folder(project),
                lambda: offline.offline_write_batch(feast.config, view, rows, None),
            )
    except NotImplementedError as error:
        raise Unprocessable(
            f"Nothing can be pushed to the source of {name}.",
            f"{type(feast.provider.offline_store).__name__} does not write to it.",
            "Push with --to online, and write to the source in its own way.",
        ) from error
    return int(table.num_rows)
