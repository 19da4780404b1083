"""How a record is displayed in a notebook: a live card where the extension is installed, else plain
HTML and text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any

from .records import Number, to_json

_LARGE, _SMALL = 1e15, 1e-5
"""From `_LARGE` on, and below `_SMALL`, numbers are written with a power of ten."""

MIME = "application/vnd.mlinfra.v1+json"
WIDGETS = ("@jupyter-mlinfra/labextension", "^1.0.0")
"""Where the front end has the views of widgets, and the version of the messages between both."""

NONE = "–"


def state(value: str | None) -> str:
    """A state as people read it, here as in the panels: its name, a blank for an underscore, and
    small letters where all are capitals.
    """
    if value is None:
        return plain(None)
    text = str(value).replace("_", " ")
    return plain(text.lower() if text.isupper() else text)


def with_state_words(texts: Mapping[str, str]) -> dict[str, str]:
    """A row or facts with the words for states; a live card draws a state itself and needs its
    name.
    """
    return {
        name: state(text) if name in ("state", "status") else text for name, text in texts.items()
    }


def plain(value: Any) -> str:
    """One value on one line, as people read it."""
    if value is None or value == "":
        return NONE
    if isinstance(value, Number):
        return number(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return figure(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={plain(item)}" for key, item in value.items()) or NONE
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain(item) for item in value) or NONE
    return " ".join(str(value).split())


def figure(value: float, digits: int = 4) -> str:
    """A number as the panels write it: whole numbers in full, others to `digits` significant
    figures, with a real minus sign.
    """
    if not math.isfinite(value):
        return "NaN" if value != value else _minus("∞" if value > 0 else "-∞")
    size = abs(value)
    if isinstance(value, int) or (value.is_integer() and size < _LARGE):
        return _minus(f"{int(value):,}")
    if size >= _LARGE or size < _SMALL:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        return _minus(f"{mantissa}e{int(power):+d}")
    decimals = max(
        0, max(digits, math.ceil(math.log10(size + 1))) - 1 - math.floor(math.log10(size))
    )
    text = f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def typed(value: Any) -> str:
    """A parameter's value as `-p NAME=VALUE` takes it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def assigned(parameters: Mapping[str, Any]) -> str:
    """`depth=6, fail=false, depths=[4, 6]`."""
    return (
        ", ".join(f"{name}={' '.join(typed(value).split())}" for name, value in parameters.items())
        or NONE
    )


def encodable(text: str) -> str:
    """The text with `?` for what UTF-8 cannot encode: half a character (surrogate), a byte of a
    file name that is not text. SQLite takes no other text.
    """
    return text.encode(errors="replace").decode()


def printable(text: str) -> str:
    """Text without characters that a terminal would interpret: a name from outside must not move
    its cursor or colour its lines.
    """
    return "".join(char if char.isprintable() or char in "\n\t" else " " for char in text)


def datum(value: Any) -> str:
    """A table value: as `plain`, but whole numbers without commas, since many are years or ids."""
    if isinstance(value, Number) and value.basis == "exact":
        return datum(value.value)
    return (
        _minus(str(value))
        if isinstance(value, int) and not isinstance(value, bool)
        else plain(value)
    )


def stored(value: Any) -> str:
    """A value of a user's rows, as it is stored: a price keeps its cents."""
    return (
        _minus(f"{value:.15g}")
        if isinstance(value, float) and math.isfinite(value)
        else datum(value)
    )


def number(value: Number | None) -> str:
    """A number with its basis: `≈` approximate, `~` from a sample, `est.` estimated, `n=` a group
    size.
    """
    if value is None or value.value is None:
        return NONE
    text = plain(value.value)
    if value.basis == "exact":
        return text
    marks = {"approx": f"≈ {text}", "sample": f"~ {text}", "est": f"{text} est.", "n": f"n={text}"}
    return marks[value.basis]


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    """A moment in the reader's time zone, to the minute or the second."""
    return (
        NONE
        if value is None
        else value.astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    )


def mimebundle(
    ref: str,
    title: str,
    record: Any,
    *,
    facts: Mapping[str, Any] | None = None,
    rows: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A display bundle without scripts; everything that came from outside is escaped.

    record: any record of a `spec` module. facts: the few lines worth reading. rows: a small table
    below them.
    """
    facts = with_state_words({key: plain(value) for key, value in (facts or {}).items()})
    keys = dict.fromkeys(key for row in rows for key in row)  # what one row lacks, another has
    table = [{key: datum(row.get(key, NONE)) for key in keys} for row in rows]
    words = [with_state_words(row) for row in table]
    return {
        MIME: {
            "ref": ref,
            "kind": ref.partition(":")[0],
            "title": title,
            "record": to_json(record),
            "facts": facts,
            "rows": table,
        },
        "text/html": _html(title, ref, facts, words),
        "text/plain": _plain(title, ref, facts, words),
    }


def _html(title: str, ref: str, facts: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> str:
    lines = [f"<div><b>{escape(title)}</b> <code>{escape(ref)}</code></div>"]
    if facts:
        lines.append(
            "<div>"
            + " · ".join(f"{escape(key)} <b>{escape(value)}</b>" for key, value in facts.items())
            + "</div>"
        )
    if rows:
        head = "".join(f"<th>{escape(key)}</th>" for key in rows[0])
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row.values()) + "</tr>"
            for row in rows
        )
        lines.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return "".join(lines)


def _plain(
    title: str, ref: str, facts: Mapping[str, str], rows: Sequence[Mapping[str, str]]
) -> str:
    lines = [f"{title}  {ref}".rstrip()]
    if facts:
        lines.append(" · ".join(f"{key} {value}" for key, value in facts.items()))
    if rows:
        keys = list(rows[0])
        widths = [max(len(key), *(len(row[key]) for row in rows)) for key in keys]
        lines.append(
            "  ".join(key.ljust(width) for key, width in zip(keys, widths, strict=True)).rstrip()
        )
        lines += [
            "  ".join(
                row[key].ljust(width) for key, width in zip(keys, widths, strict=True)
            ).rstrip()
            for row in rows
        ]
    return printable("\n".join(lines))


def size(count: float | None) -> str:
    """Bytes: `12 B`, `3.4 MB` (powers of 1,000)."""
    if count is None:
        return NONE
    for unit in ("B", "kB", "MB", "GB", "TB"):
        shown = f"{count:.0f}" if unit == "B" else f"{count:.1f}"
        if float(shown) < 1000:
            return f"{shown} {unit}"
        count /= 1000
    return f"{count:,.1f} PB"
