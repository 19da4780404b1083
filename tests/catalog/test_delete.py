"""Taking a dataset out of the catalog."""

from __future__ import annotations

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable


@pytest.fixture
def table(catalog):
    catalog.write(pl.DataFrame({"id": [1, 2]}), into="t.a")


def test_a_deleted_dataset_is_gone_and_its_name_is_free(catalog, table, rows, project):
    location = catalog.delete("t.a")
    assert location.endswith("t/a")
    with pytest.raises(NotFound):
        catalog.show("t.a")
    assert catalog.search("t.a").total == 0
    assert project.events.after(0)[-1].data == {"deleted": True}
    catalog.write(pl.DataFrame({"word": ["x"]}), into="t.a")
    assert rows("t.a") == [{"word": "x"}]


def test_what_is_done_is_done_though_nobody_can_be_told(
    catalog, table, project, monkeypatch, caplog
):
    def busy(*_, **__):
        raise Unavailable("state.db is busy.")

    monkeypatch.setattr(project.events, "emit", busy)
    assert catalog.tag("t.a", add=["gold"]).tags == ["gold"]
    assert catalog.describe("t.a", owner="bo").owner == "bo"
    catalog.delete("t.a")
    assert catalog.list().total == 0
    assert caplog.text.count("not recorded: state.db is busy.") == 3


@pytest.mark.parametrize("user", ["view:clicks", "run:9c1e", "dataset:t.b@1"])
def test_what_something_was_made_from_stays_unless_it_is_forced(catalog, table, project, user):
    catalog.write(pl.DataFrame({"id": [1]}), into="t.b", inputs=["dataset:t.c"])
    project.lineage.record("step", inputs=["dataset:t.a@1"], outputs=[user])
    with pytest.raises(Conflict, match=user.partition("@")[0]):
        catalog.delete("t.a")
    assert catalog.show("t.a").dataset.rows.value == 2
    catalog.delete("t.a", force=True)
    assert [item.name for item in catalog.list().items] == ["t.b"]


def test_an_earlier_state_of_itself_and_a_dataset_that_is_gone_hold_nothing(
    catalog, table, project
):
    project.lineage.record(
        "step", inputs=["dataset:t.a"], outputs=["dataset:t.a@2", "dataset:t.gone@1"]
    )
    catalog.delete("t.a")
    assert catalog.list().total == 0


def test_a_name_that_is_none_is_refused(catalog, table):
    with pytest.raises(NotFound):
        catalog.delete("t.b")
    with pytest.raises(BadRequest, match="one snapshot"):
        catalog.delete("t.a@1")
