"""Cells of a workbook (`.xlsx`, `.xlsm`) that readers of values find empty: formulas whose value no
program has computed yet, as openpyxl and many exporters write them, and all but the first of merged
cells.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO
from xml.etree import ElementTree

_BLOCK = 1 << 20
_ANY_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell ref=.[A-Z]+[0-9]+:[A-Z]+[0-9]+[\"']")
_NUMBERS = re.compile(rb"[0-9]+")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def formulas_without_value(path: Path, sheet: str, rows: int | None = None) -> int:
    """How many cells of a sheet have a formula and no value; 0 for other kinds of workbooks, and
    for one that cannot be read so. rows: only the first ones are looked at.
    """

    def count(book: zipfile.ZipFile, part: str) -> int:
        with book.open(part) as file:
            if not occurs(_ANY_FORMULA, file):
                return 0
        with book.open(part) as file:
            return _count(file, rows)

    return _counted(path, sheet, count)


def merged_rows(path: Path, sheet: str, above: int) -> int:
    """How many cells of a sheet are merged over several rows; 0 as above. above: rows that do not
    count.
    """

    def count(book: zipfile.ZipFile, part: str) -> int:
        found, end = set[bytes](), b""
        with book.open(part) as file:
            while block := file.read(_BLOCK):
                found.update(match[0] for match in _MERGED.finditer(end + block))
                end = (end + block)[-128:]
        rows = [map(int, _NUMBERS.findall(reference)) for reference in found]
        return sum(last > first > above for first, last in rows)

    return _counted(path, sheet, count)


def _counted(path: Path, sheet: str, count: Callable[[zipfile.ZipFile, str], int]) -> int:
    """What is counted in the file within the archive that holds a sheet; 0 if there is none."""
    try:
        with zipfile.ZipFile(path) as book:
            part = _part_of(book, sheet)
            return 0 if part is None else count(book, part)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, StopIteration, ValueError):
        return 0


def _part_of(book: zipfile.ZipFile, sheet: str) -> str | None:
    """The file within the archive that holds the cells of a sheet."""
    if "xl/workbook.xml" not in book.namelist():
        return None
    sheets = _parsed(book, "xl/workbook.xml").iter()
    relation = next(
        item.get(_RELATION)
        for item in sheets
        if _tag(item) == "sheet" and item.get("name") == sheet
    )
    relations = _parsed(book, "xl/_rels/workbook.xml.rels")
    target = next(str(item.get("Target")) for item in relations if item.get("Id") == relation)
    return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl", target))


def _parsed(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    # Expat fetches no entities, and refuses those that unfold without end.
    return ElementTree.fromstring(book.read(name))  # noqa: S314


def occurs(pattern: re.Pattern[bytes], file: IO[bytes]) -> bool:
    """Whether a file of any size has something of that pattern, of at most 64 bytes."""
    end = b""
    while block := file.read(_BLOCK):
        if pattern.search(end + block):
            return True
        end = block[-64:]
    return False


def _count(file: IO[bytes], rows: int | None) -> int:
    count, all_rows = 0, None
    for event, item in ElementTree.iterparse(file, ("start", "end")):  # noqa: S314  as above
        tag = _tag(item)
        if event == "start":
            all_rows = item if tag == "sheetData" else all_rows
        elif tag == "c":
            count += _is_without_value(item)
        elif tag == "row" and all_rows is not None:
            all_rows.clear()  # what was looked at need not stay in memory
            if rows is not None and int(item.get("r", 0)) > rows:
                break
    return count


def _is_without_value(cell: ElementTree.Element) -> bool:
    """A formula that gives an empty text says so in the type of its cell."""
    texts = {_tag(part): part.text for part in cell}
    return "f" in texts and not texts.get("v") and cell.get("t") != "str"


def _tag(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]
