"""Code that opens monitors and alerts."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.refs import Ref
from ..core.snippets import Snippets, joined, lines, text


def monitors(refs: Sequence[Ref]) -> Snippets:
    """The requests that monitors see."""
    return joined([monitor_code(ref.name) for ref in refs])


def alerts(refs: Sequence[Ref]) -> Snippets:
    """What the rules say; the command line shows the monitor with all of its alerts."""
    return joined([_alert(ref) for ref in refs])


def _alert(ref: Ref) -> Snippets:
    code = f"ml.alert({text(ref.name)})"
    return lines(code, "monitors", "status", ref.parts[0], magic="monitor")


def monitor_code(name: str) -> Snippets:
    """The requests that one monitor sees."""
    code = f"requests = ml.monitor({text(name)}).frame()\nrequests"
    return lines(code, "monitors", "status", name, magic="monitor")
