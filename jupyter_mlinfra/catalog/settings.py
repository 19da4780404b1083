"""Settings of the catalog."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ..core.settings import Section


class CatalogSettings(Section):
    """`[catalog]`"""

    TABLE: ClassVar[str] = "catalog"

    uri: str = ""
    """Iceberg catalog: empty = SQLite in the project; `sql+…` or `https://…` = SQL or REST catalog.
    One with a password: `env:NAME`.
    """

    warehouse: str = ""
    """Where data files live: empty = a folder in the project; `s3://…`, `gs://…`, `abfs://…`."""

    properties: dict[str, str] = Field(default_factory=dict)
    """Further properties of the Iceberg catalog, as pyiceberg names them; values may be secret
    references.
    """

    preview_rows: int = Field(default=100, ge=1, le=500)
    """Rows in a page of a preview."""

    sample_rows: int = Field(default=200_000, ge=1000)
    """Rows that a sampled profile reads."""

    json_columns: int = Field(default=5_000, ge=1)
    """Different field names that a JSON file may have, those within fields too."""

    reveal: Literal["allowed", "never"] = "allowed"
    """Whether values of columns tagged `pii` may be shown where a user asks for it: `never` shows
    them in no face.
    """
