"""The grid over a frame of the kernel, or a dataset, as a widget: the same view as the preview of a
dataset. Its queries run in the kernel; only the rows in sight go to the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import traitlets

from ...core.display import WIDGETS
from ...core.errors import BadRequest, MLInfraError, Unavailable
from ...core.records import to_json
from .running import Grid
from .spec import Aggregate, Filter, GridQuery, Group, Sort

GridFor = Callable[[GridQuery], Grid]
"""The grid that answers a query."""

_STATIC = 10
"""Rows of the static table."""


class Explorer(ipywidgets.DOMWidget):  # type: ignore[misc]  # ipywidgets' traits are untyped
    """Rows to look at, to filter, sort and group by hand. query: what is shown at the moment."""

    _model_name = traitlets.Unicode("ExplorerModel").tag(sync=True)
    _model_module = traitlets.Unicode(WIDGETS[0]).tag(sync=True)
    _model_module_version = traitlets.Unicode(WIDGETS[1]).tag(sync=True)
    _view_name = traitlets.Unicode("ExplorerView").tag(sync=True)
    _view_module = traitlets.Unicode(WIDGETS[0]).tag(sync=True)
    _view_module_version = traitlets.Unicode(WIDGETS[1]).tag(sync=True)

    title = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List().tag(sync=True)

    def __init__(self, title: str, grid: GridFor) -> None:
        self._grid = grid
        self.query = GridQuery()
        source = grid(self.query).source
        super().__init__(title=title, columns=[to_json(column) for column in source.columns])
        self.on_msg(lambda _widget, content, _buffers: self._answer(content))

    @property
    def code(self) -> str:
        """The code that makes what is shown."""
        grid = self._grid(self.query)
        return grid.code(self.query, grid.source.rows.collect_schema())["python"]

    def _answer(self, content: Mapping[str, Any]) -> None:
        """A question of the front end, which waits for the answer with the same number."""
        from polars.exceptions import PanicException

        answer: dict[str, Any] = {"id": content.get("id")}
        try:
            query = _query(content)
            if content.get("verb") == "shape":
                answer["found"] = to_json(self._grid(query).shape(query, str(content["column"])))
            else:
                start, count = int(content["start"]), int(content["count"])
                answer["found"] = to_json(self._grid(query).block(query, start=start, count=count))
                self.query = query
        except (Exception, PanicException, KeyboardInterrupt) as error:  # noqa: BLE001 (answered)
            fault = _fault(error)
            told = {"message": fault.what, "why": fault.why, "fix": fault.fix}
            answer["error"] = {"error": fault.code, **told}
        self.send(answer)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and where widgets do not exist the first rows as a static table."""
        from ...core.display import mimebundle
        from ...faces.cards import card_of

        shown = super()._repr_mimebundle_(**options)
        block = self._grid(GridQuery()).block(GridQuery(), start=0, count=_STATIC)
        card = card_of(block)
        static = mimebundle("", self.title, None, rows=card.rows if card else ())
        return {
            **(shown or {}),
            **{kind: static[kind] for kind in ("text/html", "text/plain") if kind in static},
        }


def _fault(error: BaseException) -> MLInfraError:
    """What the front end says of an error; it waits for an answer whatever happens."""
    if isinstance(error, MLInfraError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Unavailable("The query was stopped.", "The kernel was interrupted.")
    reason = str(error).strip().partition("\n")[0][:300]
    return MLInfraError(
        "The query failed.",
        f"{type(error).__name__}: {reason or 'no more is known'}.",
        "Filter, sort or group by other columns, or run the code of the grid in a cell.",
    )


def _query(content: Mapping[str, Any]) -> GridQuery:
    """Raises BadRequest for what no front end of this version sends."""
    try:
        asked = content["query"]
        group = asked.get("group")
        return GridQuery(
            filters=tuple(Filter(**item) for item in asked["filters"]),
            sort=tuple(Sort(**item) for item in asked["sort"]),
            group=group
            and Group(
                by=tuple(group["by"]),
                aggregates=tuple(Aggregate(**item) for item in group["aggregates"]),
            ),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadRequest(
            "The question cannot be read.",
            f"{type(error).__name__}: {error}.",
            "Reload the page, so that the front end is that of this kernel.",
        ) from None
