"""IPython magics: `%load_ext jupyter_mlinfra` adds one per noun; each line is a shorter form of a
`%mlinfra` line.
"""

from __future__ import annotations

from typing import Any

__all__ = ["load"]


def load(shell: Any) -> None:
    """Register the magics, and the displays of records and charts. A name that another extension
    uses is left to it, with a message.
    """
    from .. import charts
    from ..widgets import reprs
    from .magics import magics_of

    reprs.register(shell)
    charts.register(shell)
    taken = []
    for kind, magics in magics_of(shell).items():
        for name, function in magics.items():
            existing = shell.magics_manager.magics[kind].get(name)
            if existing is not None and not getattr(existing, "mlinfra", False):
                taken.append(("%" if kind == "line" else "%%") + name)
            else:
                shell.register_magic_function(function, magic_kind=kind, magic_name=name)
    if taken:
        print(  # noqa: T201
            f"{', '.join(taken)}: the name is taken, so it was left as it is; %mlinfra does the"
            " same."
        )
