"""What people say of a dataset and its columns."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import plain
from ...spec import Labelled
from .reading import dataset


@row(Labelled)
def labelled(item: Labelled) -> Row:
    tagged = [f"{name}: {', '.join(tags)}" for name, tags in item.columns_tagged.items()]
    named = [f"{name}: {snapshot}" for name, snapshot in item.refs.items()]
    more = {"tags of columns": plain(tagged), "tags of snapshots": plain(named)}
    return {**dataset(item), **more, "undo": plain(item.undo)}
