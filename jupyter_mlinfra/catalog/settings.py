"""Settings of the catalog."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from ..core.settings import Section


class Tier(Section):
    """`[catalog.tiers.NAME]`"""

    warehouse: str
    """Where the tables of the tier live: a folder, `s3://…`, `gs://…` or `abfs://…`."""

    properties: dict[str, str] = Field(default_factory=dict)
    """What its storage needs in place of `[catalog.properties]`, as pyiceberg names it; values may
    be secret references.
    """


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

    databases: tuple[str, ...] = ()
    """PostgreSQL databases that may be read from JupyterLab and by REST, as `host/database` or
    `host:port/database`. A notebook and the command line may read any.
    """

    preview_rows: int = Field(default=100, ge=1, le=500)
    """Rows in a page of a preview."""

    sample_rows: int = Field(default=200_000, ge=1000)
    """Rows that a sampled profile reads."""

    grid_seconds: float = Field(default=60, gt=0)
    """Seconds until a grid's filter, sort or group is stopped."""

    json_columns: int = Field(default=5_000, ge=1)
    """Different field names that a JSON file may have, those within fields too."""

    sql_memory_mib: int = Field(default=1024, ge=64)
    """Memory that a query in SQL may take."""

    sql_seconds: float = Field(default=120, gt=0)
    """How long a query in SQL may run."""

    reveal: Literal["allowed", "never"] = "allowed"
    """Whether values of columns tagged `pii` may be shown where a user asks for it: `never` shows
    them in no face.
    """

    tiers: dict[str, Tier] = Field(default_factory=dict)
    """Further places for tables, by name: `[catalog.tiers.cold]`; `hot` is the warehouse."""

    trash_days: int = Field(default=7, ge=1, le=3650)
    """Days after which the files of a deleted dataset are deleted too."""

    orphan_hours: int = Field(default=72, ge=1)
    """Hours after which a file that no snapshot has may be deleted; longer than any write takes."""

    @field_validator("tiers")
    @classmethod
    def _check_tiers(cls, tiers: dict[str, Tier]) -> dict[str, Tier]:
        for name in tiers:
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", name):
                raise ValueError("the name of a tier is of small letters, digits, _ and -")
        if "hot" in tiers:
            raise ValueError("`hot` is the warehouse of the catalog; give the tier another name")
        return tiers
