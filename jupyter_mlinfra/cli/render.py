"""JSON values as text for people: tables, facts, errors. No colour, no box: it is read, piped and pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..core.errors import MLInfraError

_WIDEST = 60
_SIGNS = {"approx": "≈", "sample": "~", "est": " est.", "exact": "", "n": ""}


def error(found: MLInfraError) -> str:
    """What, why and fix, one line each."""
    lines = [f"error: {found.what}"]
    lines += [f"  why: {found.why}"] if found.why else []
    lines += [f"  fix: {found.fix}"] if found.fix else []
    return "\n".join(lines)


def text(value: Any, columns: Mapping[str, str] | None = None) -> str:
    """A page or list as a table, a record as lines, anything else as itself."""
    if isinstance(value, Mapping) and "items" in value and "total" in value:
        return _page(value, columns)
    if isinstance(value, list):
        return table(value, columns or _columns_of(value))
    if isinstance(value, Mapping):
        return "\n".join(_lines(value))
    return cell(value)


def _page(page: Mapping[str, Any], columns: Mapping[str, str] | None) -> str:
    items = page["items"]
    if not items:
        return "None."
    lines = [table(items, columns or _columns_of(items))]
    if page["shown"] != page["total"]:
        more = f"; go on with --cursor {page['cursor']}" if page.get("cursor") else ""
        lines.append(f"{page['shown']} of {page['total']}{more}")
    return "\n".join(lines)


def table(rows: Sequence[Any], columns: Mapping[str, str]) -> str:
    """Aligned columns; numbers to the right. columns: heading to dotted path."""
    body = [[cell(pick(row, path)) for path in columns.values()] for row in rows]
    right = [all(_numeric(pick(row, path)) for row in rows) for path in columns.values()]
    heads = list(columns)
    widths = [max(len(heads[index]), *(len(row[index]) for row in body)) if body else len(heads[index]) for index in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        parts = [word.rjust(width) if flush else word.ljust(width) for word, width, flush in zip(cells, widths, right, strict=True)]
        return "  ".join(parts).rstrip()

    return "\n".join([line([head.upper() for head in heads]), *(line(row) for row in body)])


def pick(row: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for part in path.split("."):
        row = row.get(part) if isinstance(row, Mapping) else None
    return row


def cell(value: Any) -> str:
    """One value in few characters; a labelled number keeps its label."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, Mapping):
        if set(value) == {"value", "basis", "n", "error"}:
            return cell(value["value"]) + _SIGNS[value["basis"]]
        return ", ".join(f"{key} {cell(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value)
    return _short(_when(str(value)))


def _when(word: str) -> str:
    if len(word) >= 20 and word[4:5] == "-" and word.endswith("Z"):
        try:
            return datetime.fromisoformat(word).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            return word
    return word


def _short(word: str) -> str:
    word = word.replace("\n", " ")
    return word if len(word) <= _WIDEST else word[: _WIDEST - 1] + "…"


def _numeric(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = value.get("value")
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _columns_of(rows: Sequence[Any]) -> dict[str, str]:
    first = rows[0] if rows else {}
    return {key: key for key in first if key not in ("ref", "code")} if isinstance(first, Mapping) else {}


def _lines(record: Mapping[str, Any]) -> list[str]:
    width = max((len(key) for key in record), default=0)
    lines: list[str] = []
    for key, value in record.items():
        if key == "code":
            continue
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            lines += ["", f"{key}:", *("  " + line for line in table(value, _columns_of(value)).splitlines())]
        else:
            word = value if isinstance(value, str) else cell(value)
            lines.append(f"{key.ljust(width)}  {_when(word) if word else '–'}")
    return lines
