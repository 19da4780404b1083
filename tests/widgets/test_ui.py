"""Tables to pick from: what is picked is a list of records."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

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
    return ui.Table(lambda cursor: page_of(items, limit=3, cursor=cursor))


def test_what_is_picked_are_records_in_the_order_of_the_list(table: ui.Table) -> None:
    heard: list[Any] = []
    table.on_pick(heard.append)
    table._rows.value = (2, 0)
    assert [item.name for item in table.selection] == ["flights.table_0", "flights.table_2"]
    assert heard[-1] == table.selection


def test_more_loads_the_next_page_and_keeps_what_is_picked(table: ui.Table) -> None:
    assert len(table._rows.options) == 3
    assert table._note.value.startswith("3 of 5")
    table._rows.value = (1,)
    table._more.click()
    assert [item.name for item in table.items] == [f"flights.table_{number}" for number in range(5)]
    assert [item.name for item in table.selection] == ["flights.table_1"]
    assert table._more.disabled


def test_search_narrows_what_is_shown(table: ui.Table) -> None:
    table._search.value = "table_2 X"
    assert [index for _, index in table._rows.options] == [2]
    table._search.value = "nothing"
    assert (table._rows.options, table.selection) == ((), [])


def test_it_shows_itself_as_a_widget_and_an_empty_list_does_too() -> None:
    for items in ([], [dataset("a.b")]):
        table = ui.Table(lambda cursor, items=items: page_of(items, cursor=cursor))
        assert "application/vnd.jupyter.widget-view+json" in table._repr_mimebundle_()


@pytest.mark.parametrize("name", ["datasets", "features", "jobs", "pipelines", "runs", "models", "deployments", "monitors", "alerts"])
def test_each_list_of_the_workbench_has_a_table(name: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Noted()
    notes.answer = Page(items=[], shown=0, total=0)
    monkeypatch.setattr(ui, "current", lambda: notes)
    getattr(ui, name)()
    assert len(notes.calls) == 1
    assert inspect.getdoc(getattr(ui, name))
