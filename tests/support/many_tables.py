"""Thousands of tables in the catalog of a project, without a commit for each: the metadata files
are written as pyiceberg writes them, and the rows of the catalog's list by one statement.

Through pyiceberg each table takes 7 ms of processor time.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.stores.opening import CATALOG
from jupyter_mlinfra.core.project import Project

_TEXT = """
    account address age amount arrival balance bill birth block branch browser bucket budget
    buyer campaign carrier channel charge city click client code color cost country coupon
    currency customer cycle date day delay deliver demand departure device discount distance
    dose driver duration email energy engine error event failure fare fee flight forecast fuel
    gender grade group height hour house humidity income index invoice item join journey label
    latitude level limit line loan location longitude loss margin market mass member merchant
    meter mode model month name number offer operator order origin owner page parcel partner
    password payment period phone plan point policy postcode pressure price product profit
    promotion quality quantity queue quote rain rate reason record refund region request
    result return revenue risk route sale score seat segment sensor session share ship signal
    size source speed state station status stock store street supplier tariff tax team
    temperature ticket time tip token traffic train transfer trip turn type unit user value
    vehicle vendor version visit volume wait wave weather week weight wind year zone
"""
_WORDS = _TEXT.split()
_FORMS = ("{}_id", "{}_count", "{}_total", "{}_at", "is_{}", "{}_{}", "avg_{}", "{}_code", "{}")
_TYPES = ("long", "double", "string", "timestamptz", "boolean", "date", "decimal(12, 2)")
OWNERS = ("ana", "bob", "chen", "dora", "emil", "fatima", "goran", "hana")
TAGS = ("gold", "silver", "raw", "daily", "pii", "finance", "ops", "sandbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One of the tables."""

    name: str
    columns: Sequence[str]
    owner: str
    tags: Sequence[str]
    description: str


def make_tables(
    project: Project, count: int, *, columns: int = 20, namespaces: int = 100, seed: int = 1
) -> list[Made]:
    """So many tables without rows, named `NAMESPACE.t00000_WORD`, with the columns, owners and tags
    that chance gives them.
    """
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"n": [1]}), into="begin.here")  # makes the catalog
    catalog.delete("begin.here")
    draw = random.Random(seed)
    made = [_made(draw, number, columns, namespaces) for number in range(count)]
    rows = []
    for number, table in enumerate(made):
        namespace, name = table.name.split(".")
        folder = project.home / "warehouse" / namespace / name
        file = folder / "metadata" / f"00000-{number:032x}.metadata.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(_metadata(table, number, folder)))
        rows.append((CATALOG, namespace, name, str(file), None, "TABLE"))
    with contextlib.closing(sqlite3.connect(project.home / "catalog.db")) as catalog, catalog:
        catalog.executemany(
            "INSERT INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true')",
            {(CATALOG, row[1]) for row in rows},
        )
        catalog.executemany(
            "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name,"
            " metadata_location, previous_metadata_location, iceberg_type)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
    return made


def _made(draw: random.Random, number: int, columns: int, namespaces: int) -> Made:
    names = dict[str, None]()
    while len(names) < columns:
        names[draw.choice(_FORMS).format(draw.choice(_WORDS), draw.choice(_WORDS))] = None
    return Made(
        name=f"ns{number % namespaces:03d}.t{number:05d}_{draw.choice(_WORDS)}",
        columns=list(names),
        owner=draw.choice(OWNERS),
        tags=draw.sample(TAGS, draw.randrange(3)),
        description=f"Every {draw.choice(_WORDS)} of the {draw.choice(_WORDS)}",
    )


def _metadata(table: Made, number: int, folder: Path) -> Mapping[str, object]:
    """Source: https://iceberg.apache.org/spec/#table-metadata."""
    return {
        "format-version": 2,
        "table-uuid": f"00000000-0000-0000-0000-{number:012x}",
        "location": str(folder),
        "last-sequence-number": 0,
        "last-updated-ms": 1_790_000_000_000 + number,
        "last-column-id": len(table.columns),
        "schemas": [
            {
                "type": "struct",
                "schema-id": 0,
                "fields": [
                    {
                        "id": place,
                        "name": name,
                        "type": _TYPES[place % len(_TYPES)],
                        "required": False,
                    }
                    for place, name in enumerate(table.columns, 1)
                ],
            }
        ],
        "current-schema-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "default-spec-id": 0,
        "last-partition-id": 999,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "default-sort-order-id": 0,
        "properties": {
            "mlinfra.owner": table.owner,
            "mlinfra.tags": json.dumps(table.tags),
            "comment": table.description,
        },
        "snapshots": [],
        "snapshot-log": [],
        "metadata-log": [],
        "refs": {},
    }
