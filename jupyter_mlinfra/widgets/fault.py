"""An error in place of a record: what happened, why, and how to fix it."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from ..core.display import printable
from ..core.errors import MLInfraError


class ErrorCard:
    """What happened, why, and how to fix it."""

    def __init__(self, error: MLInfraError) -> None:
        self.parts = [
            (name, text)
            for name, text in (("", error.what), ("why", error.why), ("fix", in_cell(error.fix)))
            if text
        ]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        what, reasons = self.parts[0][1], self.parts[1:]
        rows = "".join(f"<tr><th>{name}</th><td>{_html(text)}</td></tr>" for name, text in reasons)
        lines = [f"✗ {what}", *(f"  {name} {text}" for name, text in reasons)]
        return {
            "text/html": f"<div><b>✗ {_html(what)}</b><table><tbody>{rows}</tbody></table></div>",
            "text/plain": printable("\n".join(lines)),
        }


def in_cell(fix: str) -> str:
    """A fix for a cell: a fix names commands of a terminal, and `%mlinfra` takes each of them."""
    return re.sub(r"(?<![\w%./-])mlinfra (?=[a-z])", "%mlinfra ", fix)


def _html(text: str) -> str:
    """Escaped, with text in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
