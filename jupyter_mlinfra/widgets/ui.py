"""Tables to pick from by hand: `runs("flights").selection` is a list of records, to go on with in code.

The same lists as in the panels, the magics and the command line, as an ipywidget: search, pick (shift and ctrl for several), more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from ..core.records import Page
from ..workbench import current
from .rows import rows_of

_STYLE = "<style>.mlinfra-table select{font-family:var(--jp-code-font-family,monospace)}</style>"
_SHOWN = 12


class Table:
    """A list of records. fetch: gives the page that begins at a cursor."""

    def __init__(self, fetch: Callable[[str | None], Page[Any]]) -> None:
        self._fetch = fetch
        self.items: list[Any] = []
        self._search = ipywidgets.Text(placeholder="Search what is loaded", description="Search", continuous_update=True)
        self._rows = ipywidgets.SelectMultiple(options=[], rows=_SHOWN, layout=ipywidgets.Layout(width="100%"))
        self._rows.add_class("mlinfra-table")
        self._more = ipywidgets.Button(description="More")
        self._note = ipywidgets.Label()
        self._search.observe(lambda _: self._draw(), "value")
        self._more.on_click(lambda _: self.more())
        bar = ipywidgets.HBox([self._search, self._more, self._note])
        self.widget = ipywidgets.VBox([ipywidgets.HTML(_STYLE), bar, self._rows])
        self._cursor: str | None = None
        self._total = 0
        self.more()

    @property
    def selection(self) -> list[Any]:
        """The records that are picked, in the order of the list."""
        return [self.items[index] for index in sorted(self._rows.value)]

    def more(self) -> None:
        """Load the next page."""
        page = self._fetch(self._cursor)
        self.items += page.items
        self._cursor, self._total = page.cursor, page.total
        self._more.disabled = page.cursor is None
        self._draw()

    def on_pick(self, callback: Callable[[list[Any]], Any]) -> None:
        """Call `callback` with the selection whenever it changes."""
        self._rows.observe(lambda _: callback(self.selection), "value")

    def _draw(self) -> None:
        picked = set(self._rows.value)
        rows = rows_of(self.items)
        names = list(rows[0]) if rows else []
        widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
        words = self._search.value.lower().split()
        lines = {index: "  ".join(row[name].ljust(widths[name]) for name in names).rstrip() for index, row in enumerate(rows)}
        shown = {index: line for index, line in lines.items() if all(word in line.lower() for word in words)}
        # A no-break space keeps the columns: a browser would draw several spaces as one.
        self._rows.options = [(line.replace(" ", "\u00a0"), index) for index, line in shown.items()]
        self._rows.value = tuple(index for index in shown if index in picked)
        self._note.value = f"{len(shown):,} of {self._total:,}" + (f" · {' · '.join(names)}" if names else "")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)


def datasets(namespace: str | None = None) -> Table:
    """Datasets of the current project."""
    return Table(lambda cursor: current().catalog.list(namespace=namespace, cursor=cursor))


def features(view: str | None = None) -> Table:
    """Features, of one view or of all."""
    return Table(lambda cursor: current().features.list(view=view, cursor=cursor))


def jobs(state: str | None = None) -> Table:
    """Jobs, newest first."""
    return Table(lambda cursor: current().jobs.list(state=state, cursor=cursor))


def pipelines() -> Table:
    """Pipelines."""
    return Table(lambda cursor: current().pipelines.list(cursor=cursor))


def runs(experiment: str | None = None, *, where: str = "", sort: str = "-started") -> Table:
    """Runs of an experiment, or of all."""
    return Table(lambda cursor: current().experiments.runs(experiment, where=where, sort=sort, cursor=cursor))


def models() -> Table:
    """Registered models."""
    return Table(lambda cursor: current().experiments.models(cursor=cursor))


def deployments() -> Table:
    """Deployments."""
    return Table(lambda cursor: current().deployments.list(cursor=cursor))


def monitors() -> Table:
    """Monitors."""
    return Table(lambda cursor: current().monitoring.list(cursor=cursor))


def alerts(*, firing: bool = False) -> Table:
    """Alerts, firing ones first."""
    return Table(lambda cursor: current().monitoring.alerts(firing=firing, cursor=cursor))
