"""The page of a dataset, tab by tab, on the project of `catalogued`: for pictures, and for checks
of what every tab has to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.catalogued import ORDERS, orders
from tests.browser.conftest import SLOW, Lab, cell

ORDER = f"dataset:{ORDERS}"
QUERY = """\
%%catalog sql --explore
SELECT country, count(*) AS orders, round(avg(amount), 2) AS mean_amount,
       count(DISTINCT email) AS buyers
FROM shop.orders FOR VERSION AS OF 'monthly'
WHERE paid AND amount >= 10
GROUP BY country ORDER BY orders DESC"""

RULE = "SELECT avg(amount) FROM {object} WHERE paid must be between 50 and 60"

SHORT = "code => { code.textContent = code.textContent.replace(/^.*?\\/.mlinfra/, '…/.mlinfra'); }"
"""A picture names no folder of the machine on which it was made."""


def tab(lab: Lab, name: str) -> Locator:
    """The page of the orders at this tab; the panel beside it shows where a word was found."""
    lab.panel("Catalog").get_by_role("searchbox").fill("order")
    lab.command("mlinfra:workbench-open", ref=ORDER)
    page = lab.main(ORDER)
    if page.get_by_role("tab", name=name, exact=True, selected=True).count():
        page.get_by_role("tab", name="Access").click()  # begins anew
    page.get_by_role("tab", name=name, exact=True).click()
    return page


def grid(lab: Lab) -> None:
    page = tab(lab, "Preview")
    expect(page.locator("canvas").first).to_be_visible()
    page.get_by_label("column", exact=True).select_option("amount")
    panel = page.get_by_role("region", name="Column amount")
    panel.get_by_role("button", name="Sort Downwards").click()
    bars = panel.get_by_role("listbox", name="Shape of amount").get_by_role("option")
    expect(bars.nth(5)).to_be_visible()
    bars.nth(1).focus()
    for _ in range(4):
        lab.page.keyboard.press("Shift+ArrowRight")
    lab.page.keyboard.press("Enter")
    shown = page.get_by_role("group", name="What is shown")
    expect(shown).to_contain_text("amount")
    expect(page.get_by_role("status").filter(has_text=re.compile(" of .* rows"))).to_be_visible()


def columns(lab: Lab) -> None:
    page = tab(lab, "Columns")
    expect(page.locator("[data-basis]").nth(20)).to_be_visible()


def profile(lab: Lab) -> None:
    page = tab(lab, "Profile")
    expect(page.locator("[data-basis]").nth(20)).to_be_visible()


def snapshots(lab: Lab) -> None:
    page = tab(lab, "Snapshots")
    rows = page.get_by_role("grid", name=f"Snapshots of {ORDERS}").locator("tbody tr")
    expect(rows.nth(4)).to_be_visible()
    rows.nth(1).focus()
    lab.page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Restore")).to_be_visible()


def diff(lab: Lab) -> None:
    """The commit that changed some orders, by their key."""
    page = tab(lab, "Snapshots")
    rows = page.get_by_role("grid", name=f"Snapshots of {ORDERS}").locator("tbody tr")
    expect(rows.nth(4)).to_be_visible()
    upsert = ["overwrite" in text for text in rows.all_inner_texts()].index(True)
    for place in (upsert, upsert + 1):
        rows.nth(place).focus()
        lab.page.keyboard.press("Space")
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("key").fill("order_id")
    page.get_by_role("button", name="Compare by Key").click()
    expect(page.get_by_role("grid", name="Rows that changed")).to_be_visible()


def lineage(lab: Lab) -> None:
    page = tab(lab, "Lineage")
    expect(
        page.get_by_role("tabpanel").locator("svg, [role=alert], [data-card]").first
    ).to_be_visible()


def quality(lab: Lab) -> None:
    page = tab(lab, "Quality")
    expect(page.get_by_role("grid", name="Rows that fail amount between 0 and 400")).to_be_visible()


def rule(lab: Lab) -> None:
    """A rule in SQL, which is added and asked: its one number."""
    page = tab(lab, "Quality")
    page.get_by_role("button", name="Add Rule…").click()
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_label("rule").fill(RULE)
    dialog.get_by_label("if it fails").select_option("warn")
    dialog.get_by_role("button", name="Add").click()
    line = page.get_by_role("row").filter(has_text="must be between")
    expect(line).to_be_visible()
    page.get_by_role("button", name="Run All Rules").click()
    expect(line).to_contain_text("failed", timeout=3 * SLOW)
    expect(page.get_by_role("button", name="Run All Rules")).to_be_enabled(timeout=3 * SLOW)
    expect(lab.page.locator(".Toastify__toast")).to_have_count(0)  # they cover the number


def access(lab: Lab) -> None:
    page = tab(lab, "Access")
    expect(page.get_by_role("grid", name=f"Who saw masked values of {ORDERS}")).to_be_visible()


def care(lab: Lab) -> None:
    page = tab(lab, "Care")
    page.get_by_role("button", name="Look for Them").click()
    expect(page.get_by_text("There is none.")).to_be_visible()
    page.get_by_text("/.mlinfra/").evaluate(SHORT)


def revealing(lab: Lab) -> None:
    """The question before masked values are shown."""
    page = tab(lab, "Preview")
    page.get_by_role("button", name="Reveal Values…").click()
    expect(lab.page.get_by_role("dialog")).to_contain_text("audit log")


def sql(lab: Lab) -> None:
    """A query of an earlier state, whose answer is a grid."""
    lab.panel("Catalog")
    book = lab.notebook(cell("%load_ext jupyter_mlinfra"), cell(QUERY), name="orders")
    book.locator(".cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    lab.page.keyboard.press("Shift+Enter")
    expect(book.get_by_role("grid").first).to_be_visible(timeout=180_000)


def register(lab: Lab) -> None:
    """A file of Excel in German, and what it would be read as."""
    folder = lab.server.root / "exports"
    folder.mkdir(exist_ok=True)
    lines = [f"{day:02d}.01.2024;Müller {day};1.{day:03d},50" for day in range(1, 29)]
    text = "\n".join(["Datum;Kunde;Umsatz", *lines, ""])
    (folder / "umsatz.csv").write_bytes(text.encode("cp1252"))
    for command in ("activate", "refresh"):
        lab.command(f"filebrowser:{command}")
    lab.page.get_by_role("listitem", name=re.compile("exports")).dblclick()
    lab.page.get_by_role("listitem", name=re.compile("umsatz.csv")).click(button="right")
    lab.page.get_by_role("menuitem", name="Register as Dataset…").click()
    dialog = lab.page.get_by_role("dialog").filter(has_text="Register 1 File")
    expect(dialog.get_by_role("grid", name="What would be read")).to_be_visible()


def place(lab: Lab) -> None:
    """A file that stays where it is."""
    folder = lab.server.root / "exports"
    folder.mkdir(exist_ok=True)
    orders(0, 2_000).select("order_id", "country", "amount").write_parquet(folder / "march.parquet")
    panel = lab.panel("Catalog")
    panel.get_by_role("searchbox").fill("")
    panel.get_by_role("button", name="Register…").first.click()
    dialog = lab.page.get_by_role("dialog").filter(has_text="Register Data")
    dialog.get_by_label("source").fill("exports/march.parquet")
    dialog.get_by_label("dataset").fill("exports.march")
    dialog.get_by_label("rows", exact=True).select_option("place")
    expect(dialog.get_by_role("grid", name="What would be read")).to_be_visible()


def expiry(lab: Lab) -> None:
    """Which snapshots would expire, and what is lost with them."""
    page = tab(lab, "Snapshots")
    page.get_by_role("button", name="Expire…").click()
    dialog = lab.page.get_by_role("dialog").filter(has_text="Expire Snapshots of")
    dialog.get_by_label("the newest stay").fill("3")
    dialog.get_by_label("younger ones stay").fill("1s")
    expect(dialog.get_by_role("list", name="What is lost")).to_be_visible()


TABS: dict[str, Callable[[Lab], None]] = {
    "catalog-grid": grid,
    "catalog-columns": columns,
    "catalog-profile": profile,
    "catalog-snapshots": snapshots,
    "catalog-diff": diff,
    "catalog-lineage": lineage,
    "catalog-quality": quality,
    "catalog-access": access,
    "catalog-care": care,
}
PICTURES: dict[str, Callable[[Lab], None]] = {
    **{name: scene for name, scene in TABS.items() if name != "catalog-lineage"},
    "catalog-rule": rule,
    "catalog-reveal": revealing,
    "catalog-sql": sql,
    "catalog-register": register,
    "catalog-place": place,
    "catalog-expire": expiry,
}
