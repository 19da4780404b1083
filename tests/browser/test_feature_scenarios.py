"""Scenarios F1 to F3: features of two views become one training set, the reasons of a join, and
values online that outlive their ttl.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Locator, expect

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import Workbench
from tests.browser import keys
from tests.browser.conftest import (
    Contexts,
    Lab,
    Server,
    cell,
    close_kernels,
    jupyterlab,
    new_lab,
)

T0 = datetime(2026, 3, 1, tzinfo=UTC)
TTL = timedelta(hours=1)  # of what expires under the eyes of the test
SOON = timedelta(seconds=60)  # until then it has to be seen
PATIENT = 300_000  # ms, for kernels, jobs and what the server reads for the first time
USERS = 40
DEFINITIONS = """
from datetime import timedelta

from feast import Entity, FeatureView, Field
from feast.types import Int64
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)


def view(name, feature, ttl, **source):
    return FeatureView(
        name=name,
        entities=[user],
        ttl=ttl,
        schema=[Field(name=feature, dtype=Int64)],
        source=DatasetSource(dataset=f"shop.{name}", timestamp_field="at", **source),
    )


clicks = view("clicks", "clicks_7d", timedelta(0))
visits = view("visits", "visits_7d", timedelta(hours=6), created_timestamp_column="made")
stock = view("stock", "left", timedelta(hours=1))
shelf = view("shelf", "left", timedelta(hours=1))
"""
STOCKS: dict[keys.Hand, str] = {"mouse": "stock", "keyboard": "shelf"}
"""The view that each hand lets expire."""


def hour(number: float) -> datetime:
    return T0 + timedelta(hours=number)


VISITS = {  # of user 7, asked as of 12:00: by their value, when they were made and when written
    1: (hour(5), hour(5)),  # seven hours old
    2: (hour(10), hour(10)),
    3: (hour(11), hour(11)),
    4: (hour(11), hour(11.5)),  # replaces the one before
    5: (hour(11.75), hour(14)),  # not known at 12:00
    6: (hour(13), hour(13)),
}


def clicked(user: int, day: int) -> int:
    return 100 * user + day


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab on a project with three views."""
    root = tmp_path_factory.mktemp("shop")
    (root / "mlinfra.toml").write_text('[project]\nname = "shop"\n[jobs]\nwarm_kernels = 0\n')
    (root / "feature_repo").mkdir()
    (root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    bench = Workbench(Project.open(root))
    clicks = [(user, T0 + timedelta(days=day)) for user in range(USERS) for day in range(3)]
    frame = pl.DataFrame(clicks, schema=["user_id", "at"], orient="row")
    values = [clicked(user, at.day - 1) for user, at in clicks]
    bench.catalog.write(frame.with_columns(clicks_7d=pl.Series(values)), into="shop.clicks")
    visits = [(7, at, made, value) for value, (at, made) in VISITS.items()]
    frame = pl.DataFrame(visits, schema=["user_id", "at", "made", "visits_7d"], orient="row")
    bench.catalog.write(frame, into="shop.visits")
    for name in STOCKS.values():
        restock(root, name, 1, T0)
    bench.features.apply()
    bench.project.database.close()
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as server:
        yield server
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "down"]
    subprocess.run(command, cwd=root, check=False, capture_output=True, timeout=120)


def restock(root: Path, name: str, left: int, at: datetime) -> None:
    bench = Workbench(Project.open(root))
    row = pl.DataFrame({"user_id": [7], "at": [at], "left": [left]})
    bench.catalog.write(row, into=f"shop.{name}", mode="append")
    bench.project.database.close()


def push(server: Server, name: str, left: int, at: datetime) -> None:
    row = {"user_id": 7, "at": at.isoformat(), "left": left}
    server.ask("mlinfra/api/features/push", "POST", {"name": name, "rows": [row]})


@pytest.fixture
def lab(contexts: Contexts, shop: Server) -> Iterator[Lab]:
    with new_lab(contexts(shop), shop) as lab:
        lab.go()
        yield lab
    close_kernels(shop)
    assert lab.faults == []


def pick(lab: Lab, hand: keys.Hand, panel: Locator, view: str, feature: str) -> None:
    """Unfold a view, and pick its feature."""
    row, picked = lab.row(panel, f"view:{view}"), lab.row(panel, f"feature:{view}:{feature}")
    expect(row).to_be_visible(timeout=PATIENT)
    if hand == "mouse":
        if row.get_attribute("aria-expanded") == "false":
            row.locator('[class*="twist"]').click()
        picked.get_by_role("checkbox").check()
        return
    if not keys.goes(lab, row, "ArrowDown", 10):
        keys.walk(lab, row, "ArrowUp")
    if row.get_attribute("aria-expanded") == "false":
        lab.page.keyboard.press("ArrowRight")
    expect(picked).to_be_visible()
    keys.walk(lab, picked, "ArrowDown")
    lab.page.keyboard.press("Space")


def run_cell(lab: Lab, hand: keys.Hand) -> None:
    if hand == "mouse":
        lab.page.locator("[data-jp-item-name='run']:visible").click()
    else:
        lab.page.keyboard.press("Shift+Enter")


OWN = """
at = pl.from_epoch("t").dt.replace_time_zone("UTC")
rows = pl.read_json({file!r}).with_columns(event_timestamp=at)
mine = ml.features(features).train(rows).collect()
print(mine.select("n", "clicks_7d", "visits_7d").rows())
"""


@pytest.mark.parametrize("hand", keys.HANDS)
def test_f1_features_of_two_views_become_a_training_set_of_all_rows_in_their_order(
    lab: Lab, hand: keys.Hand
) -> None:
    """The rows are in no order, some twice, some of nobody, some before anything is known."""
    asked = [((n * 7) % (USERS + 3), hour((n * 5) % 80 - 4)) for n in range(200)]
    rows = [{"n": n, "user_id": u, "t": int(at.timestamp())} for n, (u, at) in enumerate(asked)]
    file = lab.server.root / "rows.json"
    file.write_text(json.dumps(rows))
    own = OWN.format(file=str(file))
    notebook = lab.notebook(cell("import polars as pl"), cell(own), name=f"f1-{hand}")
    notebook.locator(".cm-content").first.click()
    run_cell(lab, hand)  # the kernel is there, and the next cell is the one below

    if hand == "mouse":
        panel = lab.panel("Features")
    else:
        lab.chord("f")
        panel = lab.region("Features")
    basket = panel.get_by_role("tree", name="Selected features")
    pick(lab, hand, panel, "clicks", "clicks_7d")
    pick(lab, hand, panel, "visits", "visits_7d")
    expect(basket.get_by_role("treeitem")).to_have_count(2)
    insert = panel.get_by_role("button", name="Insert", exact=True)
    if hand == "mouse":
        insert.click()
    else:
        keys.reach(lab, insert, "Shift+Tab")
        lab.page.keyboard.press("Enter")
    written = notebook.locator(".jp-Notebook .jp-CodeCell")
    expect(written).to_have_count(3)
    inserted = written.nth(2)
    names = '["clicks:clicks_7d", "visits:visits_7d"]'
    expect(inserted.locator(".cm-content")).to_contain_text(names)
    expect(inserted).to_have_class(re.compile("jp-mod-active"))
    run_cell(lab, hand)
    shown = inserted.locator(".jp-OutputArea-output")
    expect(shown).to_contain_text("visits_7d", timeout=PATIENT)
    expect(shown).to_contain_text("shape: (1, 4)")  # one user has both

    last = written.nth(1)
    last.locator(".cm-content").click()
    run_cell(lab, hand)
    expect(last.locator(".jp-OutputArea-output")).to_contain_text("(199, ", timeout=PATIENT)
    found = last.locator(".jp-OutputArea-output").inner_text().strip()
    assert found == str([(n, *known(user, at)) for n, (user, at) in enumerate(asked)])


def known(user: int, at: datetime) -> tuple[int | None, int | None]:
    """What was known of a user, by looking at each row."""
    days = [day for day in range(3) if T0 + timedelta(days=day) <= at]
    clicks = clicked(user, days[-1]) if days and user < USERS else None
    seen = [
        (event, made, value)
        for value, (event, made) in VISITS.items()
        if user == 7 and timedelta(0) <= at - event <= timedelta(hours=6)
    ]
    return clicks, max(seen)[2] if seen else None


@pytest.mark.parametrize("hand", keys.HANDS)
def test_f2_as_of_tells_why_each_other_row_is_refused(lab: Lab, hand: keys.Hand) -> None:
    page = keys.open_by(hand, lab, "view:visits", "Features")
    if hand == "mouse":
        page.get_by_role("tab", name="As of").click()
    else:
        expect(page.get_by_role("tab", name="As of")).to_be_visible()
        lab.page.keyboard.press("a")
    user, at = page.get_by_label("user_id"), page.get_by_label("at", exact=True)
    known_only = page.get_by_label("only what was written by then")
    if hand == "mouse":
        user.fill("7")
        at.fill("2026-03-01 12:00")
        page.get_by_role("button", name="Explain").click()
    else:
        expect(user).to_be_focused()
        lab.page.keyboard.type("7")
        keys.reach(lab, at)
        lab.page.keyboard.press("Control+a")
        lab.page.keyboard.type("2026-03-01 12:00")
        lab.page.keyboard.press("Enter")
    grid = page.get_by_role("grid", name="Rows of this key")
    judged = {
        "5": [
            "11:45",
            "taken",
            "latest event at or before 2026-03-01 12:00",
            "written later, at 14:00",
        ],
        "4": ["11:00", "refused", "older than the row taken"],
        "1": ["05:00", "refused", "expired: 7 h old, the ttl is 6 h"],
        "6": [
            "13:00",
            "refused",
            "later than 2026-03-01 12:00: not known yet, would leak 1 h of the future",
        ],
    }
    expect_rows(grid, judged)

    if hand == "mouse":
        known_only.check()
        page.get_by_role("button", name="Explain").click()
    else:
        keys.reach(lab, known_only)
        lab.page.keyboard.press("Space")
        keys.press(lab, page.get_by_role("button", name="Explain"))
    judged |= {
        "4": ["11:00", "11:30", "taken", "latest event at or before 2026-03-01 12:00"],
        "3": ["11:00", "refused", "same event time, written earlier (11:00 before 11:30)"],
        "2": ["10:00", "refused", "older than the row taken"],
        "5": ["11:45", "refused", "a late arrival: written at 14:00, not known yet"],
    }
    expect_rows(grid, judged)
    expect(grid.locator("tbody tr")).to_have_count(6)
    expect(grid.locator("tbody tr").first, "the taken row is the first").to_contain_text("taken")


def expect_rows(grid: Locator, judged: dict[str, list[str]]) -> None:
    """The row with each value says these words."""
    for value, words in judged.items():
        row = grid.locator("tbody tr").filter(
            has=grid.page.locator("td:nth-child(3)").get_by_text(value, exact=True)
        )
        for word in words:
            expect(row).to_contain_text(word)


@pytest.mark.parametrize("hand", keys.HANDS)
def test_f3_what_outlives_its_ttl_turns_expired_until_it_is_materialized(
    lab: Lab, hand: keys.Hand
) -> None:
    name = STOCKS[hand]
    page = keys.open_by(hand, lab, f"view:{name}", "Features")
    chip = page.locator("[class*='facts'] [data-state]").first
    row = lab.row(lab.region("Features"), f"view:{name}")
    push(lab.server, name, 5, datetime.now(UTC) - 2 * TTL)  # the server has loaded Feast then
    expect(chip).to_have_text("expired")
    look_up(lab, hand, page)
    values = page.get_by_role("grid", name="Online values").locator("tbody tr")
    expect(values).to_contain_text("expired")

    push(lab.server, name, 10, datetime.now(UTC) - TTL + SOON)
    expect(chip).to_have_attribute("data-state", "fresh")
    expect(values).to_contain_text("present")
    expect(values).to_contain_text("10")
    expect(chip).to_have_text("expired", timeout=PATIENT)  # nobody has asked for it
    expect(row.locator("[data-state]")).to_have_text("expired")
    expect(values).to_contain_text("expired")
    expect(values).to_contain_text("∅")

    restock(lab.server.root, name, 20, datetime.now(UTC))
    keys.press_by(hand, lab, page.get_by_role("button", name="Materialize"))
    expect(chip).to_have_attribute("data-state", "fresh", timeout=PATIENT)
    expect(row.locator("[data-state='expired']")).to_have_count(0)
    expect(values).to_contain_text("20")
    expect(values).to_contain_text("present")


def look_up(lab: Lab, hand: keys.Hand, page: Locator) -> None:
    if hand == "mouse":
        page.get_by_role("tab", name="Online").click()
        page.get_by_label("user_id").fill("7")
        page.get_by_role("button", name="Look Up").click()
        return
    lab.page.keyboard.press("o")
    expect(page.get_by_label("user_id")).to_be_focused()
    lab.page.keyboard.type("7")
    lab.page.keyboard.press("Enter")


def test_the_menu_of_a_view_begins_at_its_first_verb_and_escape_leads_back(lab: Lab) -> None:
    page = keys.open_by("keyboard", lab, "view:visits", "Features")
    more = page.get_by_role("button", name="More Verbs")
    keys.press(lab, more)
    verbs = lab.page.get_by_role("menu").get_by_role("menuitem")
    first = verbs.filter(has_text="Materialize Feature View")
    expect(first).to_have_class(re.compile("lm-mod-active"))
    lab.page.keyboard.press("ArrowDown")  # over what cannot be done now, and round
    expect(verbs.and_(lab.page.locator(".lm-mod-active:not(.lm-mod-disabled)"))).to_have_count(1)
    lab.page.keyboard.press("Escape")
    expect(first).to_have_count(0)
    expect(more).to_be_focused()
