"""Tables to pick from by hand: `runs("flights").selection` is a list of records for use in code.

The same lists as in the panels, the magics and the command line, in the panels' own table: search,
sort, pick, load more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import traitlets

from ..core.display import WIDGETS
from ..core.errors import MLInfraError
from ..core.records import Page
from ..faces.rows import rows_of
from ..workbench import current
from .reprs import bundle

__all__ = [
    "alerts",
    "datasets",
    "deployments",
    "features",
    "jobs",
    "models",
    "monitors",
    "pipelines",
    "runs",
]

_MODULE, _VERSION = WIDGETS


def __dir__() -> list[str]:
    return sorted(__all__)


class Table(ipywidgets.DOMWidget):  # type: ignore[misc]  # ipywidgets' traits are untyped
    """A list of records as a widget. title: what it lists. fetch: returns the page at a cursor.

    items: the records that are loaded.
    """

    _model_name = traitlets.Unicode("TableModel").tag(sync=True)
    _model_module = traitlets.Unicode(_MODULE).tag(sync=True)
    _model_module_version = traitlets.Unicode(_VERSION).tag(sync=True)
    _view_name = traitlets.Unicode("TableView").tag(sync=True)
    _view_module = traitlets.Unicode(_MODULE).tag(sync=True)
    _view_module_version = traitlets.Unicode(_VERSION).tag(sync=True)

    title = traitlets.Unicode().tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    refs = traitlets.List().tag(sync=True)
    picked = traitlets.List(traitlets.Int()).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    # `more` is the method here; in the front end it says whether there is more to load.
    _more = traitlets.Bool(False).tag(sync=True)
    fault = traitlets.Unicode().tag(sync=True)

    def __init__(self, title: str, fetch: Callable[[str | None], Page[Any]]) -> None:
        super().__init__(title=title)
        self._fetch = fetch
        self._cursor: str | None = None
        self.items: list[Any] = []
        self.on_msg(lambda _widget, content, _buffers: self._on_message(content))
        self.more()

    @property
    def selection(self) -> list[Any]:
        """The records that are picked, in the order of the list."""
        return [self.items[index] for index in sorted(self.picked) if 0 <= index < len(self.items)]

    def more(self) -> None:
        """Load the next page, if there is one."""
        if self.items and self._cursor is None:
            return
        page = self._fetch(self._cursor)
        self.items += page.items
        self._cursor = page.cursor
        with self.hold_sync():
            self.rows = [dict(row) for row in rows_of(self.items)]
            self.refs = [getattr(item, "ref", "") for item in self.items]
            self.total, self._more, self.fault = page.total, page.cursor is not None, ""

    def on_pick(self, callback: Callable[[list[Any]], Any]) -> None:
        """Call `callback` with the selection whenever it changes."""
        self.observe(lambda _: callback(self.selection), "picked")

    def _on_message(self, content: Mapping[str, Any]) -> None:
        """More was pressed in the front end."""
        if content.get("verb") == "more" and self._more:
            try:
                self.more()
            except MLInfraError as error:
                self.fault = str(error)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and where widgets do not exist (a saved notebook on the web) the rows as a
        static table.
        """
        shown = super()._repr_mimebundle_(**options)
        static = bundle(self.items) if self.items else {}
        return {
            **(shown or {}),
            **{kind: static[kind] for kind in ("text/html", "text/plain") if kind in static},
        }


def datasets(namespace: str | None = None) -> Table:
    """Datasets of the current project."""
    return Table(
        "datasets", lambda cursor: current().catalog.list(namespace=namespace, cursor=cursor)
    )


def features(view: str | None = None) -> Table:
    """Features, of one view or of all."""
    return Table("features", lambda cursor: current().features.list(view=view, cursor=cursor))


def jobs(state: str | None = None) -> Table:
    """Jobs, newest first."""
    return Table("jobs", lambda cursor: current().jobs.list(state=state, cursor=cursor))


def pipelines() -> Table:
    """Pipelines."""
    return Table("pipelines", lambda cursor: current().pipelines.list(cursor=cursor))


def runs(experiment: str | None = None, *, where: str = "", sort: str = "-started") -> Table:
    """Runs of an experiment, or of all."""
    return Table(
        "runs",
        lambda cursor: current().experiments.runs(
            experiment, where=where, sort=sort, cursor=cursor
        ),
    )


def models() -> Table:
    """Registered models."""
    return Table("models", lambda cursor: current().experiments.models(cursor=cursor))


def deployments() -> Table:
    """Deployments."""
    return Table("deployments", lambda cursor: current().deployments.list(cursor=cursor))


def monitors() -> Table:
    """Monitors."""
    return Table("monitors", lambda cursor: current().monitoring.list(cursor=cursor))


def alerts(*, firing: bool = False) -> Table:
    """Alerts, firing ones first."""
    return Table("alerts", lambda cursor: current().monitoring.alerts(firing=firing, cursor=cursor))
