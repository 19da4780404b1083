"""Pictures for the documentation, light and dark; written only when `MLINFRA_SCREENSHOTS` is set in
the environment: to `all`, or to the names of some, `models,monitor`.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from jupyter_mlinfra import Workbench
from tests.browser import catalog_scenes, test_failed_test, windowed
from tests.browser.catalogued import catalogued
from tests.browser.conftest import SLOW, Lab, Opener, Server, jupyterlab
from tests.browser.scenes import PICTURES, queue, series
from tests.browser.test_accessibility import dark
from tests.browser.watched import watch
from tests.conftest import Demo

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST = 300_000  # bytes of a picture
stopped = test_failed_test.stopped  # the fixture


def wanted(name: str) -> bool:
    return os.environ["MLINFRA_SCREENSHOTS"] in ("all", name) or name in os.environ[
        "MLINFRA_SCREENSHOTS"
    ].split(",")


NAMES = [name for name in PICTURES if wanted(name)]


def replay(lab: Lab) -> None:
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name="Tests", exact=True).click()
    page.get_by_role("grid", name="Replays to flights").scroll_into_view_if_needed()


def performance(lab: Lab) -> None:
    page = lab.open("Models", "monitor:flights")
    expect(page.get_by_text("of the labels are in").first).to_be_visible()


def trained(lab: Lab) -> None:
    """Have a training set of the weather until September, against which there is drift, and have
    what is online compared with the source.
    """
    into, root = "flights.weather_until_september", lab.server.root
    if into in [item["name"] for item in lab.server.ask("mlinfra/api/catalog/datasets")["items"]]:
        return
    flights = Workbench.open(root).catalog.dataset("flights.departures").scan()
    early = pl.col("time_hour") < datetime(2013, 10, 1, tzinfo=UTC)
    file = root / "until_september.parquet"
    flights.filter(early).select("origin", "time_hour").sink_parquet(file)
    told = ("--features", "origin_weather:*", "--entities", file.name, "--at", "time_hour")
    for line in (("snapshot", into, *told), ("check", "origin_weather")):
        command = [sys.executable, "-m", "jupyter_mlinfra.cli", "features", *line]
        subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=600)
    file.unlink()


OF_WATCHED = {"replay": replay, "performance": performance, "series": series}
"""Pictures of the project that has a replay, labels and hours."""


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_of_the_five_panels_with_a_page_each(
    fresh: Opener, demo: Demo, tmp_path: Path, theme: str
) -> None:
    with jupyterlab(demo.root, tmp_path, theme=theme) as server:
        for name in NAMES:
            scene = PICTURES[name]
            view = fresh(server)
            if name in ("features-view", "features-statistics"):
                trained(view)
            view.go()
            scene(view)
            view.page.mouse.move(1000, 880)
            view.page.wait_for_timeout(1_500)
            save(view.page.screenshot(), FOLDER / f"{name}-{theme.lower()}.png")
            for state in ("queued", "running") if scene is queue else ():
                for one in server.ask(f"mlinfra/api/jobs/jobs?state={state}")["items"]:
                    server.ask(f"mlinfra/api/jobs/jobs/{one['id']}/cancel", "POST", {})
            view.page.close()


@pytest.mark.skipif(not any(map(wanted, OF_WATCHED)), reason="none of them is wanted")
def test_pictures_of_a_replay_and_labels(fresh: Opener, tmp_path: Path) -> None:
    root = tmp_path / "watched"
    root.mkdir()
    with watch(root, tmp_path / "lab") as watched:
        rows = watched.flights.bench.deployments.payloads("flights")
        labels = [
            {"request_id": id, "label": int(score > 0.5)}
            for id, score in rows.select("request_id", "prediction").iter_rows()
        ]
        monitor = "mlinfra/api/monitoring/monitors/flights"
        watched.server.ask(f"{monitor}/labels", "POST", {"labels": labels[: len(labels) // 2]})
        watched.evaluate()
        for name in filter(wanted, OF_WATCHED):
            lab = fresh(watched.server)
            lab.go()
            OF_WATCHED[name](lab)
            picture(lab.page, f"{name}-light")
            with dark(lab.page):
                picture(lab.page, f"{name}-dark")
            lab.page.close()


@pytest.mark.skipif(not any(map(wanted, catalog_scenes.PICTURES)), reason="none is wanted")
def test_pictures_of_the_catalog(fresh: Opener, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    with catalogued(root, tmp_path / "lab", tables=40, rows=400_000) as server:
        for name in filter(wanted, catalog_scenes.PICTURES):
            lab = fresh(server)
            lab.go()
            catalog_scenes.PICTURES[name](lab)
            picture(lab.page, f"{name}-light")
            with dark(lab.page):
                picture(lab.page, f"{name}-dark")
            lab.page.close()


@pytest.mark.skipif(not any(map(wanted, windowed.PICTURES)), reason="none is wanted")
def test_pictures_of_windows_and_versions(fresh: Opener, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    with windowed.windowed(root, tmp_path / "lab") as server:
        for name in filter(wanted, windowed.PICTURES):
            lab = fresh(server)
            lab.go()
            windowed.PICTURES[name](lab)
            picture(lab.page, f"{name}-light")
            with dark(lab.page):
                picture(lab.page, f"{name}-dark")
            lab.page.close()


@pytest.mark.skipif(not wanted("plan"), reason="it is not wanted")
def test_picture_of_a_plan_with_its_checks(fresh: Opener) -> None:
    lab = fresh()
    api = "mlinfra/api/deployments/deployments"
    versions = lab.server.ask(f"{api}/flights")["deployment"]["versions"]
    before = {item["version"]: item["traffic"] for item in versions if item["state"] == "ready"}
    stable, canary = sorted(before, key=lambda version: -before[version])[:2]
    first = {"traffic": {stable: 100, canary: 0}, "reason": "before the plan"}
    lab.server.ask(f"{api}/flights/traffic", "POST", first)
    wish = {"version": f"flights/{canary[1:]}", "steps": [5, 25, 100], "every": 1800}
    lab.server.ask(api, "POST", {**wish, "name": "flights"})
    try:
        lab.go()
        page = lab.open("Models", "deployment:flights")
        sample = lab.server.ask(f"{api}/flights")["sample"]
        for _ in range(150):
            lab.server.ask(f"{api}/flights/predict", "POST", {"rows": sample})
        checks = page.get_by_role("grid", name="Checks of the plan")
        expect(checks).not_to_contain_text("no request yet", timeout=3 * SLOW)
        expect(page.locator('[data-version="v2"]')).to_contain_text("p95", timeout=SLOW)
        picture(lab.page, "plan-light")
        with dark(lab.page):
            picture(lab.page, "plan-dark")
    finally:
        last = {"traffic": before, "reason": "end of a picture"}
        lab.server.ask(f"{api}/flights/traffic", "POST", last)


@pytest.mark.skipif(not wanted("failed-test"), reason="it is not wanted")
def test_picture_of_a_failed_test(fresh: Opener, stopped: Server) -> None:
    lab = fresh(stopped)
    lab.go()
    page = lab.open("Models", "deployment:flights")
    expect(page.get_by_role("alert").filter(has_text="v1 may not take traffic")).to_be_visible()
    expect(page.get_by_text("No request was logged in this time.")).to_be_visible()
    picture(lab.page, "failed-test-light")
    with dark(lab.page):
        picture(lab.page, "failed-test-dark")


def picture(page: Page, name: str) -> None:
    page.mouse.move(1000, 880)
    page.wait_for_timeout(1_500)
    save(page.screenshot(), FOLDER / f"{name}.png")


def save(png: bytes, path: Path) -> None:
    """As small as it goes without a change of colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(png)).convert("RGB").save(path, optimize=True)
    assert path.stat().st_size < MOST
