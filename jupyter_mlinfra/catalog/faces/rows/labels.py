"""What people say of a dataset and its columns."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import plain
from ...spec import Labelled
from .reading import dataset


@row(Labelled)
def labelled(item: Labelled) -> Row:
    tagged = [f"{name}: {', '.join(tags)}" for name, tags in item.columns_tagged.items()]
    return {**dataset(item), "tags of columns": plain(tagged), "undo": plain(item.undo)}
