"""What docs/catalog.md says to other clients, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl

from jupyter_mlinfra.catalog import Catalog

DOCS = Path(__file__).parents[2] / "docs" / "catalog.md"


def test_other_clients_read_a_dataset_as_the_docs_say_and_what_they_write_counts(
    catalog: Catalog,
) -> None:
    rows = pl.DataFrame({"id": [1, 2], "dest": ["JFK", None]})
    catalog.write(rows, into="flights.departures")
    said = DOCS.read_text().partition("**Other clients**")[2]
    code = re.search(r"```python\n(.*?)```", said, re.DOTALL)
    assert code is not None
    lines = (
        code[1]
        .replace("pl.scan", "scanned = pl.scan")
        .replace("table.scan(", "found = table.scan(")
    )
    names: dict[str, Any] = {}
    exec(lines, names)
    assert names["scanned"].equals(rows)
    assert names["found"].fetchall() == rows.rows()
    table = names["table"]
    table.append(
        pl.DataFrame({"id": [3], "dest": ["LGA"]}).to_arrow().cast(table.schema().as_arrow())
    )
    assert catalog.preview("flights.departures").total == 3
