"""Iceberg tables of any catalog, as Feast's `IcebergSource` names them.

Options of a source: the arguments of `IcebergSource` under their own names; a catalog property is
`property.NAME`, and may be a reference to a secret (`env:NAME`, `keyring:…`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalog import storage_options, with_region
from ...core.errors import MLInfraError, NotFound, Unavailable
from ...core.imports import fix_of_missing, load_modules
from ...core.passwords import without_passwords
from ...core.secrets import resolve
from .pins import pinned
from .spec import WITHHELD, SourceSpec
from .storage import credentials_of

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table
    from pyiceberg.types import NestedField

PROPERTY = "property."
_S3 = {
    "AWS_ACCESS_KEY_ID": "s3.access-key-id",
    "AWS_SECRET_ACCESS_KEY": "s3.secret-access-key",
    "AWS_SESSION_TOKEN": "s3.session-token",
    "AWS_REGION": "s3.region",
}


def scan(source: SourceSpec, repo: Path | None, snapshot: str | None) -> pl.LazyFrame:
    """The rows of a snapshot of the table. Raises NotFound if there is no such table or
    snapshot.
    """
    import polars as pl

    del repo
    table = open_table(source)
    at = snapshot or pinned(source, lambda: _state(table))
    number = None if at is None else _number(table, source, at)
    current = table.metadata.current_snapshot_id
    return pl.scan_iceberg(
        table,
        # The newest has the columns of the table, which may have changed since it was written.
        snapshot_id=None if number == current else number,
        storage_options=storage_options(table),
    )


def state(source: SourceSpec, repo: Path | None) -> str | None:
    """The snapshot and the schema of the table."""
    del repo
    return pinned(source, lambda: _state(open_table(source)))


def open_table(source: SourceSpec) -> Table:
    """The table as it is now. Raises NotFound if there is none, Unavailable, without passwords in
    the text, if its catalog cannot be reached.
    """
    load_modules("pyiceberg.exceptions", "pyiceberg.table", "pyiceberg.catalog")
    from pyiceberg.catalog import load_catalog
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

    os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")
    names = (source.options["namespace"], source.options["table"])
    try:
        catalog = load_catalog(source.options["catalog_name"], **properties_of(source))
        return catalog.load_table(".".join(names))
    except (NoSuchNamespaceError, NoSuchTableError) as error:
        raise NotFound(
            f"There is no Iceberg table {source.name}.",
            "A feature view reads it.",
            "Write the table, or correct the definition.",
        ) from error
    except MLInfraError:
        raise
    except ImportError as error:
        raise Unavailable(
            f"The catalog of {source.name} cannot be opened.",
            f"{error.name or 'A package'} is not installed.",
            fix_of_missing(error.name or ""),
        ) from error
    except Exception as error:
        first_line = without_passwords(str(error).strip().partition("\n")[0])[:300]
        raise Unavailable(
            f"The catalog of {source.name} cannot be reached.",
            f"{type(error).__name__}: {first_line}",
            "Start it, or correct the definition of the source.",
        ) from error


def columns_in(source: SourceSpec) -> Sequence[NestedField]:
    """The columns of the table as they are now."""
    return open_table(source).schema().fields


def properties_of(source: SourceSpec) -> dict[str, str]:
    """What pyiceberg needs to open the catalog, as Feast's `IcebergSource` gives it; then the keys
    of its ConnectionRef.
    """
    options = source.options
    properties = {"type": options["catalog_type"]}
    for key, value in options.items():
        if key.startswith(PROPERTY):
            name = key.removeprefix(PROPERTY)
            properties[name] = _known(source, name, value)
    if options.get("endpoint"):
        properties.setdefault("uri", options["endpoint"])
    if options.get("warehouse"):
        properties.setdefault("warehouse", options["warehouse"])
    if token := os.environ.get(options.get("token_env_var", "")):
        properties.setdefault("token", token)
    for key, value in credentials_of(source).items():
        if key in _S3:
            properties[_S3[key]] = value
    return with_region(properties)


def _known(source: SourceSpec, name: str, value: str) -> str:
    """The value of a property. Raises Unavailable for one that only the registry has."""
    if value == WITHHELD:
        raise Unavailable(
            f"The catalog of {source.name} cannot be opened here.",
            f"Its {name} is said in clear in the definition, and no copy of a secret is kept.",
            "Training and materialize read it. For the rest, write a reference in its place"
            " (env:NAME or keyring:SERVICE/NAME), then apply.",
        )
    return resolve(value)


def _state(table: Table) -> str | None:
    snapshot = table.metadata.current_snapshot_id
    return None if snapshot is None else f"{snapshot}.{table.metadata.current_schema_id}"


def _number(table: Table, source: SourceSpec, at: str) -> int:
    """The snapshot that `at` names: its number, a state, a tag or a branch."""
    number = at.partition(".")[0]
    found = table.snapshot_by_id(int(number)) if number.isdigit() else table.snapshot_by_name(at)
    if found is None:
        raise NotFound(
            f"{source.name} has no snapshot {at}.",
            "It never had, or it has expired.",
            "Name another one, or the newest by leaving it out.",
        )
    return found.snapshot_id
