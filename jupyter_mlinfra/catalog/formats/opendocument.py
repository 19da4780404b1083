"""Cells of a sheet of OpenDocument (`.ods`) that readers of values find empty, as in `formulas`."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from .formulas import occurs

_ANY = re.compile(rb"number-rows-spanned=.(?!1[\"'])|table:formula=")
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_VALUE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"


def empty_cells(path: Path, sheet: str, above: int, rows: int | None) -> tuple[int, int]:
    """How many cells of a sheet have a formula and no value, and how many are merged over several
    rows; 0 for a file of another kind. above: rows that do not count. rows: only the first ones are
    looked at.
    """
    try:
        with zipfile.ZipFile(path) as book:
            with book.open("content.xml") as file:
                if not occurs(_ANY, file):
                    return 0, 0
            with book.open("content.xml") as file:
                return _count(file, sheet, above, rows)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError):
        return 0, 0


def _count(file: IO[bytes], sheet: str, above: int, rows: int | None) -> tuple[int, int]:
    formulas = merged = last = 0
    inside = False
    # Expat fetches no entities, and refuses those that unfold without end.
    for event, item in ElementTree.iterparse(file, ("start", "end")):  # noqa: S314
        if item.tag == f"{_TABLE}table":
            if event == "end" and inside:
                break
            inside = item.get(f"{_TABLE}name") == sheet
        elif event == "end" and item.tag == f"{_TABLE}table-row":
            if inside:
                first, last = last + 1, last + int(item.get(f"{_TABLE}number-rows-repeated", 1))
                if rows is not None and first > rows:
                    break
                if first > above:
                    formulas += sum(map(_without_value, item))
                    merged += sum(
                        int(cell.get(f"{_TABLE}number-rows-spanned", 1)) > 1 for cell in item
                    )
            item.clear()  # what was looked at need not stay in memory
    return formulas, merged


def _without_value(cell: ElementTree.Element) -> int:
    """How many cells this one stands for, if they have a formula and no value."""
    if cell.get(f"{_TABLE}formula") is None or cell.get(_VALUE) is not None:
        return 0
    return int(cell.get(f"{_TABLE}number-columns-repeated", 1))
