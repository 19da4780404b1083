"""The dialog that brings data in: a file that stays where it is."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from playwright.sync_api import Locator, expect

from jupyter_mlinfra import Workbench
from tests.browser.conftest import Contexts, Lab, Server, new_lab

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(contexts: Contexts, small_server: Server) -> Iterator[Lab]:
    with new_lab(contexts(small_server), small_server) as lab:
        lab.go()
        yield lab
        assert lab.faults == []


def dialog_of(lab: Lab, source: str, into: str, rows: str) -> Locator:
    """The dialog from the panel's button, filled in."""
    lab.panel("Catalog").get_by_role("button", name="Register…").first.click()
    dialog = lab.page.get_by_role("dialog").filter(has_text="Register Data")
    dialog.get_by_label("source").fill(source)
    dialog.get_by_label("dataset").fill(into)
    dialog.get_by_label("rows", exact=True).select_option(rows)
    table = dialog.get_by_role("grid", name="What would be read")
    expect(table.get_by_role("row").nth(1)).to_be_visible()
    return dialog


def accept(dialog: Locator) -> None:
    button = dialog.get_by_role("button", name="Register", exact=True)
    expect(button).to_be_enabled()
    button.click()
    expect(dialog).to_have_count(0)


def test_a_file_is_registered_where_it_is(lab: Lab) -> None:
    catalog = Workbench.open(lab.server.root).catalog
    file = lab.server.root / "sizes.parquet"
    pl.DataFrame({"size": ["S", "M"], "cm": [48, 52]}).write_parquet(file)
    dialog = dialog_of(lab, "sizes.parquet", "shop.sizes", "place")
    expect(dialog.get_by_role("button", name="Dry Run")).to_have_count(0)  # nothing is written
    accept(dialog)
    lab.main("dataset:shop.sizes")
    assert catalog.dataset("shop.sizes").scan().collect().rows() == [("S", 48), ("M", 52)]
    assert not (lab.server.root / ".mlinfra" / "warehouse" / "shop" / "sizes").exists()
    pl.DataFrame({"size": ["L"], "cm": [56]}).write_parquet(file)
    assert catalog.dataset("shop.sizes").scan().collect().rows() == [("L", 56)]
