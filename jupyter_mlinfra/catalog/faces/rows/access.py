"""Who saw masked values."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import moment, plain
from ...access.records import Revealed


@row(Revealed)
def revealed(item: Revealed) -> Row:
    return {
        "at": moment(item.at, seconds=True),
        "user": item.user,
        "by": item.verb,
        "dataset": item.dataset,
        "columns": plain(item.columns),
        "on": item.face,
    }
