"""A panel with a page of the flights project beside it, for each domain: for pictures, and for
checks of what every page has to be.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.conftest import SLOW, Lab, cell


def catalog(lab: Lab) -> None:
    panel = lab.panel("Catalog")
    lab.row(panel, "dataset:flights.departures").focus()
    lab.page.keyboard.press("ArrowRight")
    expect(panel.locator('[data-mlinfra-ref^="column:"]').first).to_be_visible()
    page = lab.open("Catalog", "dataset:flights.departures")
    page.get_by_role("tab", name="Columns").click()
    expect(page.locator("[data-basis]").nth(20)).to_be_visible()


def lineage(lab: Lab) -> None:
    """Of one column, with the objects that hold a word."""
    page = lab.open("Catalog", "dataset:flights.departures")
    page.get_by_role("tab", name="Lineage").click()
    page.get_by_label("column", exact=True).select_option("dep_delay")
    page.get_by_label("find", exact=True).fill("delay")
    expect(page.get_by_text(re.compile(r"\d+ nodes? found"))).to_be_visible()


def features(lab: Lab) -> None:
    panel = lab.panel("Features")
    lab.row(panel, "view:route_delays").focus()
    lab.page.keyboard.press("ArrowRight")
    expect(panel.locator('[data-mlinfra-ref^="feature:"]').first).to_be_visible()
    for key in ("ArrowRight", "ArrowDown"):
        lab.page.keyboard.press(key)
        lab.page.keyboard.press("Space")
    page = lab.open("Features", "view:route_delays")
    expect(page.locator("[data-basis]").first).to_be_visible()


def features_view(lab: Lab) -> None:
    """The features of a view, with all that is known of each."""
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Features").click()
    expect(page.get_by_role("grid").locator("svg").first).to_be_visible(timeout=3 * SLOW)


def features_asof(lab: Lab) -> None:
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="As of").click()
    page.get_by_label("origin", exact=True).fill("JFK")
    page.get_by_label("at", exact=True).fill("2013-07-12 18:30")
    lab.page.keyboard.press("Enter")
    expect(
        page.get_by_role("grid", name="Rows of this key").get_by_role("row").nth(1)
    ).to_be_visible()


def features_statistics(lab: Lab) -> None:
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Statistics").click()
    expect(page.get_by_role("grid").get_by_role("row").nth(1)).to_be_visible()


def features_online(lab: Lab) -> None:
    """A key that was picked from those of the source."""
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Online").click()
    page.get_by_title("Ask for this key").first.click()
    expect(page.get_by_role("columnheader", name="training reads")).to_be_visible()


def features_lineage(lab: Lab) -> None:
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Lineage").click()
    expect(page.locator("[data-node]").first).to_be_visible()


def features_used_by(lab: Lab) -> None:
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Used by").click()
    expect(page.get_by_role("grid", name="What uses origin_weather")).to_be_visible()


def features_code(lab: Lab) -> None:
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_role("region", name="A training set in Python")).to_be_visible()


def features_deprecate(lab: Lab) -> None:
    """What uses a view, and the line that would be written, before it is deprecated."""
    page = lab.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Features").click()
    page.get_by_role("button", name="More Verbs").click()
    lab.page.get_by_role("menuitem", name="Deprecate Feature View or Undo It…").click()
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("take weather_hourly")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_text("Write and Apply")).to_be_visible(timeout=SLOW)


def features_define(lab: Lab) -> None:
    """The form for definitions, beside the page of a view."""
    features_view(lab)
    panel = lab.panel("Features")
    panel.get_by_role("button", name="Define…").click()
    expect(panel.get_by_label("Feast definitions")).to_be_visible()


def features_basket(lab: Lab) -> None:
    """Features of two views, and the form that stores them as a training set."""
    panel = lab.panel("Features")
    for view in ("origin_weather", "carrier_delays"):
        lab.row(panel, f"view:{view}").focus()
        lab.page.keyboard.press("ArrowRight")
        expect(panel.locator(f'[data-mlinfra-ref^="feature:{view}:"]').first).to_be_visible()
        lab.page.keyboard.press("ArrowRight")
        lab.page.keyboard.press("Space")
    panel.get_by_role("button", name="Store as a Training Set…").click()
    form = panel.get_by_role("form", name="Store a training set")
    form.get_by_label("Rows of").fill("flights.departures")
    form.get_by_label("time in").fill("time_hour")
    form.get_by_label("Store as").fill("flights.weather_and_delays")
    lab.open("Features", "view:carrier_delays")


def jobs(lab: Lab) -> None:
    page = lab.open("Jobs", "pipeline:flights")
    expect(page.get_by_text("monitor", exact=True).first).to_be_visible()


def job(lab: Lab) -> None:
    panel = lab.panel("Jobs")
    row = (
        panel.get_by_role("tree", name="Jobs")
        .get_by_role("treeitem")
        .filter(has_text="train")
        .first
    )
    reference = row.get_attribute("data-mlinfra-ref") or ""
    row.click()
    expect(lab.main(reference).get_by_role("log")).not_to_be_empty()


TRAIN = """
import json, os, pathlib, time
for step in range(100_000):
    print(f"epoch {step // 30:3d}  step {step:5d}  loss {1 / (step + 2) ** 0.5:.4f}", flush=True)
    place = pathlib.Path(os.environ["MLINFRA_PROGRESS"])
    progress = {"fraction": min(0.99, 0.4 + step / 5000), "text": f"step {step}"}
    place.with_suffix(".new").write_text(json.dumps(progress))
    place.with_suffix(".new").rename(place)
    time.sleep(0.1)
"""
SWEEP = "import os, sys, time; time.sleep(1); sys.exit(os.environ['depth'] == '5')"


def queue(lab: Lab) -> None:
    """One job runs, a sweep is under way, one is held, and one needs all slots: its page, with the
    queue below.
    """

    def submit(*command: str, **spec: Any) -> dict[str, Any]:
        found: dict[str, Any] = lab.server.ask(
            "mlinfra/api/jobs/jobs", "POST", {"command": command, **spec}
        )
        return found

    compute = lab.server.ask("mlinfra/api/jobs/compute")
    gpus = len(compute["devices"])
    submit("python", "-c", TRAIN, name="train", gpus=gpus // 2, time_limit_minutes=20)
    cpus = max(1, compute["cpus"] - 1)
    sweep = submit(
        "python",
        "-c",
        SWEEP,
        name="sweep",
        array=[{"depth": str(depth)} for depth in range(16)],
        max_parallel=1,
        cpus=cpus,
        time_limit_minutes=1,
    )
    held = submit("python", "-c", TRAIN, name="report", priority=10)
    lab.server.ask(f"mlinfra/api/jobs/jobs/{held['id']}/hold", "POST", {})
    waits = submit(
        "python",
        "-c",
        TRAIN,
        name="evaluate",
        gpus=gpus,
        cpus=compute["cpus"],
        time_limit_minutes=30,
    )
    page = lab.open("Jobs", waits["ref"])
    expect(
        lab.row(lab.panel("Jobs"), sweep["ref"]).locator('[data-state="failed"]')
    ).to_be_visible()
    expect(page.get_by_role("grid", name="Queue").locator("tbody tr").nth(3)).to_be_visible()


def submit(lab: Lab) -> None:
    code = cell("depth: int = 6\nrate: float = 0.1\nday: str = '2013-12-01'", "parameters")
    lab.notebook(code, cell("print(depth, rate, day)"), name="training").get_by_role(
        "button", name="Run as Job"
    ).click()
    form = lab.page.locator("form:visible")
    for name, values in (("depth", "[4, 6, 8]"), ("rate", "[0.03, 0.1]")):
        form.get_by_label(f"sweep {name}").check()
        form.get_by_label(re.compile(f"^{name}")).fill(values)
    form.get_by_label("at a time").fill("2")
    form.get_by_label(re.compile("^time limit")).fill("30")
    expect(form.get_by_role("status")).to_contain_text("starts")
    lab.panel("Jobs")


def experiments(lab: Lab) -> None:
    page = lab.open("Experiments", "experiment:flights")
    runs = page.get_by_role("grid", name="Runs").locator("tbody tr")
    expect(runs.nth(1)).to_be_visible()
    lab.row(lab.panel("Experiments"), "experiment:flights").focus()
    lab.page.keyboard.press("ArrowRight")
    ids = [
        (runs.nth(index).get_attribute("data-mlinfra-ref") or "").removeprefix("run:")
        for index in range(2)
    ]
    for index in range(2):
        runs.nth(index).focus()
        lab.page.keyboard.press("Space")
    page.get_by_role("button", name="Compare 2").click()
    expect(lab.main(f"compare:{','.join(ids)}").locator("figure canvas").first).to_be_visible()


def models(lab: Lab) -> None:
    page = lab.open("Models", "deployment:flights")
    expect(page.get_by_role("group", name="Change the traffic")).to_be_visible()


def models_asked(lab: Lab) -> None:
    """The same while it answers: with rates, latencies and shares."""
    api = "mlinfra/api/deployments/deployments/flights"
    sample = lab.server.ask(api)["sample"]
    for _ in range(60):
        lab.server.ask(f"{api}/predict", "POST", {"rows": sample})
    models(lab)
    page = lab.main("deployment:flights")
    line = page.locator('[data-version="v1"]')
    for figure in ("p95", "errors", "refused"):
        expect(line).to_contain_text(figure, timeout=SLOW)
    chart = page.get_by_role("region", name="Latency and rate").get_by_role("img")
    expect(chart).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("group", name="Verdict")).to_contain_text("decided", timeout=SLOW)


def requests(lab: Lab) -> None:
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name="Requests").click()
    rows = page.get_by_role("grid", name="Requests to flights").locator("tbody tr")
    rows.first.click()
    expect(page.get_by_role("button", name="Copy as Code")).to_be_enabled()


def manifest(lab: Lab) -> None:
    """The manifest, with its text."""
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name="Manifest").click()
    page.get_by_label("model", exact=True).fill("s3://models/flights/{version}")
    expect(page.get_by_label("flights-kserve.yaml")).to_be_visible()


def model(lab: Lab) -> None:
    page = lab.open("Models", "model:flights")
    page.get_by_role("tab", name="Model Card").click()
    expect(page.get_by_role("grid", name="Inputs")).to_be_visible()


def versions(lab: Lab) -> None:
    """Which versions of a model can be deployed, and where they are."""
    page = lab.open("Models", "model:flights")
    grid = page.get_by_role("grid", name="Versions of flights")
    expect(grid.get_by_role("columnheader", name="deployable")).to_be_visible()


def wait(lab: Lab, done: Callable[[], bool], job: str, seconds: float = 600) -> None:
    """Until it is done, which a job does. Fails with the job's reason if that has not succeeded, or
    takes too long.
    """
    limit = time.monotonic() + seconds
    while not done():
        found = lab.server.ask(f"mlinfra/api/jobs/jobs/{job}")
        said = f"{found['name']} is {found['state']}: {found['reason'] or found['progress_text']}"
        assert found["state"] not in ("failed", "cancelled", "lost"), said
        assert time.monotonic() < limit, said
        lab.page.wait_for_timeout(1_000)


def batch(lab: Lab) -> None:
    """What a batch has written, a row each with its prediction and the version that gave it."""
    into, datasets = "flights.scored", "mlinfra/api/catalog/datasets"
    kept = ["carrier", "origin", "dest", "distance", "late"]
    wish = {"version": "flights@champion", "source": "flights.training_set", "into": into}

    def written() -> bool:
        return into in [item["name"] for item in lab.server.ask(datasets)["items"]]

    if not written():
        sent = lab.server.ask("mlinfra/api/deployments/batch", "POST", {**wish, "keep": kept})
        wait(lab, written, sent["job"])
    page = lab.open("Catalog", f"dataset:{into}")
    page.get_by_role("tab", name="Preview").click()
    expect(page.locator("canvas").first).to_be_visible()


def deployed(lab: Lab, name: str, **wish: Any) -> None:
    """Have a deployment of that name, healthy."""
    api, reason = "mlinfra/api/deployments/deployments", "for a picture"
    if name not in [item["name"] for item in lab.server.ask(api)["items"]]:
        lab.server.ask(api, "POST", {"override": reason, **wish, "name": name})

    def healthy() -> bool:
        found = lab.server.ask(api)["items"]  # it is not there before its job has begun
        return (name, "healthy") in [(item["name"], item["state"]) for item in found]

    if not healthy():
        listed = lab.server.ask("mlinfra/api/jobs/jobs?limit=200")["items"]
        deploy = f"deploy {wish['version']} to {name}"
        wait(lab, healthy, next(job["id"] for job in listed if job["name"] == deploy))


def real_time_features(lab: Lab) -> None:
    """A request that carries keys in place of the features that are read by them."""
    views = ["origin_weather", "origin_delays", "carrier_delays", "route_delays", "plane_facts"]
    reason = "the values of the demo are of 2013, past their ttl"
    wish = {"version": "flights/2", "features": views, "missing": "null", "override": reason}
    deployed(lab, "by-key", **wish)
    page = lab.open("Models", "deployment:by-key")
    page.get_by_role("tab", name="Try It").click()
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(re.compile(r"from v\d+ in"))).to_be_visible()


def runtimes(lab: Lab) -> None:
    """A version on the lean runtime, which answers as the microservice does."""
    deployed(lab, "lean", version="flights/2", runtime="open-inference")
    page = lab.open("Models", "deployment:lean")
    expect(page.get_by_text("open-inference").first).to_be_visible()


def deploy(lab: Lab) -> None:
    """The form of a version that is to come in by steps."""
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("button", name="Add Version…").click()
    form = lab.main("deploying:new@flights").get_by_role("form", name="Deploy")
    form.get_by_label("how it comes in").select_option("steps")
    form.get_by_label("steps").fill("25,50,100")
    form.get_by_label("judged by").select_option("kpi")
    form.get_by_label("reason").fill("trained on December")
    code = lab.main("deploying:new@flights").get_by_role("group", name="Code")
    expect(code).to_contain_text("steps=[25, 50, 100]")


def monitor(lab: Lab) -> None:
    page = lab.open("Models", "monitor:flights")
    expect(page.locator("svg[role='img']").first).to_be_visible()
    expect(page.locator("[data-cell]").first).to_be_visible(timeout=3 * SLOW)
    # The figures of the whole window come after the map.
    expect(page.get_by_text("no. 1", exact=True)).to_be_visible(timeout=3 * SLOW)


def cause(lab: Lab) -> None:
    """The code that made a feature, cell by cell."""
    page = lab.open("Models", "monitor:flights")
    trace = page.get_by_role("button", name="Trace to Its Code")
    expect(trace).to_be_visible(timeout=3 * SLOW)  # 35,000 rows are measured for the page
    trace.click()
    found = page.get_by_role("group", name=re.compile("^From dataset:"))
    expect(found.first).to_be_visible(timeout=3 * SLOW)
    found.first.evaluate("node => node.scrollIntoView({block: 'start'})")


def try_it(lab: Lab) -> None:
    """An answer, with what each input contributed to it."""
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name="Try It").click()
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("list", name="Contributions")).to_be_visible(timeout=SLOW)


def access(lab: Lab) -> None:
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name="Access").click()
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def alert(lab: Lab) -> None:
    """Of the feature whose alert is the first of the list."""
    rows = lab.panel("Models").locator('[data-mlinfra-ref^="alert:flights/drift/"]')
    page = lab.open("Models", rows.first.get_attribute("data-mlinfra-ref") or "")
    expect(page.get_by_role("grid", name="History of the alert")).to_be_visible()
    chart = page.get_by_role("region", name=re.compile("^Distribution of"))
    expect(chart).to_be_visible(timeout=3 * SLOW)


def rules(lab: Lab) -> None:
    """A rule file as form and text."""
    path = lab.server.root / "flights.mlrules.yaml"
    path.write_text(RULES)
    lab.command("docmanager:open", path=path.name)
    page = lab.page.locator(".jp-mlinfra-page-widget:visible")
    expect(page.get_by_text("armed", exact=True).first).to_be_visible()
    page.get_by_label("days").fill("1")  # the demo is of one hour
    page.get_by_role("button", name="Back-Test").click()
    expect(page.get_by_role("region", name="Back-test").locator("li").first).to_be_visible()
    path.unlink()


RULES = """\
# how the flights are watched
monitor: flights
rules:
  - name: drift
    metric: psi
    threshold: 0.2
    clear: 0.1
    min_rows: 500
    by: feature
  - name: slow
    metric: p95_ms
    op: ">"
    threshold: 100
    severity: critical
  - name: memory
    metric: memory_mib
    threshold: 500
"""


def notebook(lab: Lab) -> None:
    code = [
        cell(
            "import jupyter_mlinfra as ml\nfrom jupyter_mlinfra import charts\n\ndepartures ="
            ' ml.dataset("flights.departures")\ndepartures'
        ),
        cell(
            'delays = departures.scan().select("arr_delay").drop_nulls().collect()\n'
            'charts.histogram(delays, "arr_delay", limits=(-60, 180))'
        ),
    ]
    book: Locator = lab.notebook(*code, name="delays")
    lab.panel("Catalog")
    book.locator(".cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    lab.page.keyboard.press("Shift+Enter")
    expect(book.locator("svg").filter(has_text="rows").last).to_be_visible(timeout=60_000)


def series(lab: Lab) -> None:
    """The hours of a monitor by SQL, and a chart of them."""
    code = [
        cell("%load_ext jupyter_mlinfra\nimport altair as alt"),
        cell(
            "%%catalog sql --out hours\n"
            "SELECT start, feature, value FROM monitoring.flights_series\n"
            "WHERE metric = 'psi' AND version = 'v2' AND segment = '' AND value IS NOT NULL\n"
            "ORDER BY start, feature"
        ),
        cell(
            "alt.Chart(hours, width=700, height=100).mark_line(point=True).encode("
            'x="start:T", y="value", color="feature")'
        ),
    ]
    book: Locator = lab.notebook(*code, name="series")
    lab.panel("Models")
    book.locator(".cm-content").first.click()
    for _ in code:
        lab.page.keyboard.press("Shift+Enter")
    expect(book.locator(".jp-OutputArea svg, .jp-OutputArea canvas").last).to_be_visible(
        timeout=60_000
    )


def pipeline(lab: Lab) -> None:
    """Most telling once a run has failed."""
    lab.page.locator('.jp-DirListing-item[data-file-type="mlpipeline"]').first.dblclick()
    lab.panel("Jobs")
    page = lab.page.locator(".jp-mlinfra-page-widget:visible")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    page.locator('[data-node="train"]').click()


def schedule(lab: Lab) -> None:
    page = lab.open("Jobs", "pipeline:flights")
    page.get_by_role("button", name="Schedule…", exact=True).click()
    expect(lab.page.get_by_role("form", name="Schedule").locator("[data-due]")).to_have_count(5)


SCENES: dict[str, Callable[[Lab], None]] = {
    "catalog": catalog,
    "features": features,
    "jobs": jobs,
    "job": job,
    "queue": queue,
    "submit": submit,
    "pipeline": pipeline,
    "schedule": schedule,
    "experiments": experiments,
    "models": models,
    "requests": requests,
    "manifest": manifest,
    "model": model,
    "deploy": deploy,
    "monitor": monitor,
    "notebook": notebook,
}

FEATURES: dict[str, Callable[[Lab], None]] = {
    "features-view": features_view,
    "features-asof": features_asof,
    "features-online": features_online,
    "features-statistics": features_statistics,
    "features-lineage": features_lineage,
    "features-used-by": features_used_by,
    "features-code": features_code,
    "features-deprecate": features_deprecate,
    "features-define": features_define,
    "features-basket": features_basket,
}
"""Each tab of a view's page, and the forms of the panel."""

PICTURES: dict[str, Callable[[Lab], None]] = {
    **SCENES,
    "models": models_asked,
    "versions": versions,
    "batch": batch,
    "real-time-features": real_time_features,
    "runtimes": runtimes,
    "cause": cause,
    "try-it": try_it,
    "catalog-lineage": lineage,
    **FEATURES,
    "access": access,
    "alert": alert,
    "rules": rules,
}
"""Also those whose pages are checked by tests of their own."""
