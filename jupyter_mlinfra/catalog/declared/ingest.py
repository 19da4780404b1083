"""Files into datasets."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("ingest", "inspect", "mend"),
    records={"jupyter_mlinfra.catalog.spec": ("ExportedRows", "IngestReport", "Inspection")},
)
