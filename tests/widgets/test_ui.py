"""Tables to pick from: what is picked is a list of records."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page, page_of
from jupyter_mlinfra.server.openapi import _records
from jupyter_mlinfra.widgets import ui
from tests.server.noted import Noted, made_up


def dataset(name: str) -> Any:
    found = made_up(_records()["Dataset"])
    object.__setattr__(found, "name", name)
    return found


@pytest.fixture
def table() -> ui.Table:
    items = [dataset(f"flights.table_{number}") for number in range(5)]
    return ui.Table("datasets", lambda cursor: page_of(items, limit=3, cursor=cursor))


def press(table: ui.Table) -> None:
    """What the front end sends when More is pressed."""
    table._handle_custom_msg({"verb": "more"}, [])


def test_what_is_picked_are_records_in_the_order_of_the_list(table: ui.Table) -> None:
    heard: list[Any] = []
    table.on_pick(heard.append)
    table.set_state({"picked": [2, 0]})
    assert [item.name for item in table.selection] == ["flights.table_0", "flights.table_2"]
    assert heard[-1] == table.selection


def test_more_loads_the_next_page_and_keeps_what_is_picked(table: ui.Table) -> None:
    assert (len(table.rows), table.total, table._more) == (3, 5, True)
    assert table.refs == [item.ref for item in table.items]
    table.set_state({"picked": [1]})
    press(table)
    assert [item.name for item in table.items] == [f"flights.table_{number}" for number in range(5)]
    assert [row["dataset"] for row in table.rows] == [item.name for item in table.items]
    assert [item.name for item in table.selection] == ["flights.table_1"]
    assert not table._more
    press(table)
    table.more()
    assert len(table.items) == 5


def test_a_page_that_cannot_be_loaded_is_told_in_the_table_and_can_be_tried_again() -> None:
    items, broken = [dataset("a.b"), dataset("a.c")], True

    def fetch(cursor: str | None) -> Page[Any]:
        if cursor and broken:
            raise Unavailable("The catalog does not answer.")
        return page_of(items, limit=1, cursor=cursor)

    table = ui.Table("datasets", fetch)
    press(table)
    assert (table.fault, len(table.items)) == ("The catalog does not answer.", 1)
    broken = False
    press(table)
    assert (table.fault, len(table.items)) == ("", 2)


def test_a_place_that_there_is_not_picks_nothing(table: ui.Table) -> None:
    table.set_state({"picked": [7, -1, 1]})
    assert [item.name for item in table.selection] == ["flights.table_1"]


def test_it_shows_itself_as_a_widget_and_as_a_static_table_where_there_are_none() -> None:
    name = "<img src=x onerror=alert(1)>"
    shown = ui.Table(
        "datasets", lambda cursor: page_of([dataset(name)], cursor=cursor)
    )._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "<img" not in shown["text/html"]
    assert "onerror" in shown["text/html"]
    assert name in shown["text/plain"]
    assert (
        "application/vnd.jupyter.widget-view+json"
        in ui.Table("jobs", lambda cursor: page_of([], cursor=cursor))._repr_mimebundle_()
    )


def test_the_module_shows_its_functions_only() -> None:
    assert dir(ui) == [
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
    assert all(callable(getattr(ui, name)) for name in dir(ui))


def test_the_front_end_has_the_view_that_is_asked_for() -> None:
    source = (Path(__file__).parents[2] / "labextension" / "src" / "mime" / "widget.ts").read_text()
    table = ui.Table("jobs", lambda cursor: page_of([], cursor=cursor))
    assert f"MODULE = '{table._view_module}'" in source
    assert f"VERSION = '{table._view_module_version.removeprefix('^')}'" in source


@pytest.mark.parametrize(
    "name",
    [
        "datasets",
        "features",
        "jobs",
        "pipelines",
        "runs",
        "models",
        "deployments",
        "monitors",
        "alerts",
    ],
)
def test_each_list_of_the_workbench_has_a_table(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Noted()
    notes.answer = Page(items=[], shown=0, total=0)
    monkeypatch.setattr(ui, "current", lambda: notes)
    getattr(ui, name)()
    assert len(notes.calls) == 1
    assert inspect.getdoc(getattr(ui, name))
