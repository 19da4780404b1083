"""The dialogs and buttons of the catalog, each by mouse and by keyboard: rows that take the place
of those with their key, an ingest that is cancelled, old snapshots that expire, damaged files that
are set aside, the pin and the menu of a dataset; and a file that stays where it is.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Locator, expect

from jupyter_mlinfra import Workbench
from jupyter_mlinfra.catalog import Catalog
from tests.browser.conftest import Lab, Server
from tests.browser.keys import FOCUSED, HANDS, Hand, press_by, reach, walk
from tests.browser.test_catalog_scenarios import turn

BOTH = pytest.mark.parametrize("hand", HANDS)
JOB = 180_000
"""Milliseconds until a job of a loaded machine has ended."""
NUMBERS = 8_000_000
"""Rows of a file that is read for longer than it takes to press a button."""


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    """Nothing but this file's datasets is in its catalog."""
    return small_server


def catalog_of(lab: Lab) -> Catalog:
    return Workbench.open(lab.server.root).catalog


def write_in(lab: Lab, hand: Hand, field: Locator, text: str) -> None:
    """Put a text into a field, in place of what stands there."""
    if hand == "mouse":
        field.fill(text)
    else:
        reach(lab, field)
        lab.page.keyboard.press("Control+a")
        lab.page.keyboard.insert_text(text)


def dialog_of(lab: Lab, hand: Hand, source: str, into: str, rows: int) -> Locator:
    """The dialog from the panel's button, filled in. rows: which of the ways they may go."""
    button = lab.region("Catalog").get_by_role("button", name="Register…").first
    if hand == "mouse":
        lab.panel("Catalog")
        button.click()
    else:
        lab.chord("c")
        expect(lab.region("Catalog").get_by_role("searchbox")).to_be_focused()
        reach(lab, button, "Shift+Tab")
        lab.page.keyboard.press("Enter")
    dialog = lab.page.get_by_role("dialog").filter(has_text="Register Data")
    write_in(lab, hand, dialog.get_by_label("source"), source)
    write_in(lab, hand, dialog.get_by_label("dataset"), into)
    way = dialog.get_by_label("rows", exact=True)
    if hand == "mouse":
        way.select_option(index=rows)
    else:
        reach(lab, way)
        for _ in range(rows):
            lab.page.keyboard.press("ArrowDown")
    table = dialog.get_by_role("grid", name="What would be read")
    expect(table.get_by_role("row").nth(1)).to_be_visible()
    return dialog


def accept(lab: Lab, hand: Hand, dialog: Locator, word: str = "Register") -> None:
    press_by(hand, lab, dialog.get_by_role("button", name=word, exact=True))
    expect(dialog).to_have_count(0)


@BOTH
def test_rows_take_the_place_of_those_with_their_key_and_old_snapshots_expire(
    shared: Lab, hand: Hand
) -> None:
    lab, name = shared, f"shop.buyers_{hand}"
    (lab.server.root / "first.csv").write_text("id,name,city\n1,Ana,Bonn\n2,Ben,Köln\n3,Cem,Ulm\n")
    (lab.server.root / "later.csv").write_text("id,name,city\n2,Ben,Kiel\n4,Dag,Oslo\n")
    accept(lab, hand, dialog_of(lab, hand, "first.csv", name, 0))
    page = lab.main(f"dataset:{name}")
    expect(page.get_by_text("3 rows").first).to_be_visible(timeout=JOB)

    dialog = dialog_of(lab, hand, "later.csv", name, 2)
    register = dialog.get_by_role("button", name="Register", exact=True)
    expect(register).to_be_disabled()  # it does not know the key
    write_in(lab, hand, dialog.get_by_label("key", exact=True), "nr")
    expect(dialog.get_by_text("no column nr")).to_be_visible()
    expect(register).to_be_disabled()
    write_in(lab, hand, dialog.get_by_label("key", exact=True), "id")
    accept(lab, hand, dialog)
    expect(page.get_by_text("4 rows").first).to_be_visible(timeout=JOB)
    rows = catalog_of(lab).dataset(name).scan().sort("id").collect().rows()
    assert [row[1:] for row in rows] == [
        ("Ana", "Bonn"),
        ("Ben", "Kiel"),
        ("Cem", "Ulm"),
        ("Dag", "Oslo"),
    ]

    expire_all_but_the_newest(lab, hand, page, name)
    assert len(catalog_of(lab).dataset(name).snapshots()) == 1
    assert catalog_of(lab).dataset(name).scan().collect().height == 4


def expire_all_but_the_newest(lab: Lab, hand: Hand, page: Locator, name: str) -> None:
    """Of two snapshots; before, the dialog shows what becomes of each."""
    turn(lab, page, hand, "Snapshots")
    snapshots = page.get_by_role("grid", name=f"Snapshots of {name}").locator("tbody tr")
    expect(snapshots).to_have_count(2)
    press_by(hand, lab, page.get_by_role("button", name="Expire…"))
    dialog = lab.page.get_by_role("dialog").filter(has_text=f"Expire Snapshots of {name}")
    fates = dialog.get_by_role("grid", name="What becomes of each snapshot").locator("tbody tr")
    expect(fates.filter(has_text="stays:")).to_have_count(2)
    expect(dialog.get_by_role("button", name="Expire", exact=True)).to_be_disabled()
    write_in(lab, hand, dialog.get_by_label("the newest stay"), "1")
    write_in(lab, hand, dialog.get_by_label("younger ones stay"), "1s")
    expect(fates.filter(has_text="stays:")).to_have_count(1)
    expect(fates.filter(has_text="expires")).to_have_count(1)
    expect(dialog).to_contain_text("1 snapshot expires")
    accept(lab, hand, dialog, "Expire")
    expect(snapshots).to_have_count(1, timeout=JOB)


@BOTH
def test_an_ingest_that_runs_is_cancelled_and_the_table_is_as_before(
    shared: Lab, hand: Hand
) -> None:
    lab, name = shared, f"shop.long_{hand}"
    before = pl.DataFrame({"number": [1, 2], "text": ["one", "two"]})
    catalog_of(lab).write(before, into=name)
    snapshots = [one.id for one in catalog_of(lab).dataset(name).snapshots()]
    file = lab.server.root / "long.csv"
    numbers = pl.LazyFrame({"number": pl.int_range(NUMBERS, eager=True)})
    text = pl.format("row {} of the long file", "number").alias("text")
    numbers.with_columns(text).sink_csv(file)
    accept(lab, hand, dialog_of(lab, hand, file.name, name, 0))
    told = lab.page.locator(".Toastify__toast")
    cancel = told.filter(has_text=f"Reading into {name}").get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    for _ in range(600):
        if lab.server.ask("mlinfra/api/jobs/jobs?state=running")["items"]:
            break
        lab.page.wait_for_timeout(100)
    if hand == "mouse":
        cancel.click()
    else:
        walk(lab, cancel, "Shift+Tab")
        lab.page.keyboard.press("Enter")
    stopped = told.filter(has_text=re.compile("cancelled", re.IGNORECASE))
    expect(stopped.get_by_role("button", name="Change Options…")).to_be_visible(timeout=JOB)
    file.unlink()
    dataset = catalog_of(lab).dataset(name)
    assert [one.id for one in dataset.snapshots()] == snapshots
    assert dataset.scan().collect().equals(before)


@pytest.mark.slow
@BOTH
def test_a_damaged_file_is_found_set_aside_and_put_back(shared: Lab, hand: Hand) -> None:
    lab, name = shared, f"shop.parts_{hand}"
    for part in range(2):
        catalog_of(lab).write(pl.DataFrame({"part": [part] * 40}), into=name)
    lab.command("mlinfra:workbench-open", ref=f"dataset:{name}")
    page = lab.main(f"dataset:{name}")
    turn(lab, page, hand, "Care")
    expect(page.get_by_text("never verified")).to_be_visible()
    verify = page.get_by_role("button", name="Verify Files")
    press_by(hand, lab, verify)
    expect(page.get_by_text("2 of 2 files compared")).to_be_visible(timeout=JOB)
    damaged = page.get_by_role("grid", name=f"Damaged files of {name}").locator("tbody tr")
    expect(damaged).to_have_count(0)

    file = next((lab.server.root / ".mlinfra" / "warehouse").glob(f"{as_path(name)}/**/*.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    press_by(hand, lab, verify)
    expect(damaged).to_have_count(1, timeout=JOB)
    expect(damaged).to_contain_text(file.name)
    press_by(hand, lab, page.get_by_role("button", name="Set Aside…"))
    accept(lab, hand, lab.page.get_by_role("dialog").filter(has_text=name), "Set Aside")
    expect(damaged).to_contain_text("set aside, its rows are missing", timeout=JOB)
    expect(page.get_by_text("40 rows").first).to_be_visible(timeout=JOB)
    assert catalog_of(lab).dataset(name).scan().collect().height == 40

    file.write_bytes(whole)
    press_by(hand, lab, page.get_by_role("button", name="Put Back"))
    expect(damaged).to_have_count(0, timeout=JOB)
    assert catalog_of(lab).dataset(name).scan().collect().height == 80


def as_path(name: str) -> Path:
    return Path(*name.split("."))


@BOTH
def test_a_dataset_is_pinned_and_its_menu_does_what_it_says(shared: Lab, hand: Hand) -> None:
    lab, name = shared, f"shop.pinned_{hand}"
    catalog_of(lab).write(pl.DataFrame({"part": [1, 2]}), into=name)
    panel = lab.panel("Catalog")
    lab.command("mlinfra:workbench-open", ref=f"dataset:{name}")
    page = lab.main(f"dataset:{name}")
    favourite = lab.row(panel.get_by_role("tree", name="Favourites"), f"dataset:{name}")
    press_by(hand, lab, page.get_by_role("button", name="Pin", exact=True))
    expect(favourite).to_be_visible()
    press_by(hand, lab, page.get_by_role("button", name="Unpin", exact=True))
    expect(favourite).to_have_count(0)

    more = page.get_by_role("button", name="More Verbs")
    press_by(hand, lab, more)
    menu = lab.page.get_by_role("menu").filter(has_text="Verify Files of Dataset")
    expect(menu).to_contain_text("Expire Snapshots…")
    expect(menu).to_contain_text("Delete Dataset")
    item = menu.get_by_role("menuitem", name="Verify Files of Dataset")
    if hand == "mouse":
        item.click()
    else:
        lab.page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        assert more.evaluate(FOCUSED), "Escape leads back to the button"
        lab.page.keyboard.press("Enter")
        for _ in range(20):
            if "lm-mod-active" in (item.get_attribute("class") or ""):
                break
            lab.page.keyboard.press("ArrowDown")
        lab.page.keyboard.press("Enter")
    whole = lab.page.locator(".Toastify__toast").filter(has_text=f"No file of {name} is damaged.")
    expect(whole).to_be_visible(timeout=JOB)


@pytest.mark.slow
def test_a_file_is_registered_where_it_is(shared: Lab) -> None:
    lab = shared
    catalog = catalog_of(lab)
    file = lab.server.root / "sizes.parquet"
    pl.DataFrame({"size": ["S", "M"], "cm": [48, 52]}).write_parquet(file)
    dialog = dialog_of(lab, "mouse", "sizes.parquet", "shop.sizes", 3)
    expect(dialog.get_by_role("button", name="Dry Run")).to_have_count(0)  # nothing is written
    accept(lab, "mouse", dialog)
    lab.main("dataset:shop.sizes")
    assert catalog.dataset("shop.sizes").scan().collect().rows() == [("S", 48), ("M", 52)]
    assert not (lab.server.root / ".mlinfra" / "warehouse" / "shop" / "sizes").exists()
    pl.DataFrame({"size": ["L"], "cm": [56]}).write_parquet(file)
    assert catalog.dataset("shop.sizes").scan().collect().rows() == [("L", 56)]
