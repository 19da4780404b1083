"""Rows that are filtered, sorted and grouped."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    records={"jupyter_mlinfra.catalog.grid.spec": ("GridBlock",)},
)
