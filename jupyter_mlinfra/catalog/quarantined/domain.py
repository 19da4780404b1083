"""What the faces know of quarantine: its tables, beside the datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.domain import Domain
from . import NAMESPACE

if TYPE_CHECKING:
    from ...workbench import Workbench
    from .tables import QuarantineTables


def _open(bench: Workbench) -> QuarantineTables:
    from .tables import QuarantineTables

    return QuarantineTables(bench.project)


DOMAIN = Domain(
    name=NAMESPACE,
    open=_open,
    resource="catalog",
    tables="jupyter_mlinfra.catalog.quarantined.tables:QuarantineTables",
)
