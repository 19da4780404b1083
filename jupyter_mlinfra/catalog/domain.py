"""What the catalog declares for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Checks, Domain, Group, Kind, Magic
from .declared import ALL

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Catalog


def _open(bench: Workbench) -> Catalog:
    from . import Catalog

    return Catalog(bench.project, bench.children)


DOMAIN = Domain(
    name="catalog",
    open=_open,
    kinds=(
        Kind(
            "dataset", fingerprint="fingerprint", code="jupyter_mlinfra.catalog.snippets:datasets"
        ),
        Kind("column", join=".", code="jupyter_mlinfra.catalog.snippets:columns"),
    ),
    topics=("dataset",),
    records=ALL.records,
    shown=("jupyter_mlinfra.catalog.faces.rows",),
    routes="jupyter_mlinfra.catalog.faces.routes:ROUTES",
    groups=(
        Group(
            name="catalog",
            help="Datasets: ingest, search, preview, profile.",
            commands="jupyter_mlinfra.catalog.faces.cli:catalog",
            begin="mlinfra catalog ingest FILES --into shop.orders",
        ),
    ),
    magics=(Magic(name="catalog", group="catalog", verbs=ALL.verbs),),
    counts={"catalog": "jupyter_mlinfra.catalog.faces.status:count_catalog"},
    checks=Checks(name="datasets", measure="jupyter_mlinfra.catalog.faces.status:check"),
    settings={
        "catalog": "jupyter_mlinfra.catalog.settings:CatalogSettings",
    },
)
