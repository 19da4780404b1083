"""A schedule that Argo keeps: a CronWorkflow at the same times, with the values of the due time."""

from __future__ import annotations

import json
import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from argo_rules import rule_faults, schema_faults

from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unprocessable
from jupyter_mlinfra.pipelines import Schedules
from jupyter_mlinfra.pipelines.argo.cron import crontab

from .made_up import Bench, bench

__all__ = ["bench"]

FILE = """
    pipeline: churn
    parameters: {day: 2026-01-01, depth: 6, days: []}
    schedule: {cron: "30 0 * * 1-5", tz: Europe/Paris, grace: 2h,
               parameters: {day: "{{ date }}", days: ["from {{ due }}"], depth: 8}}
    steps:
      a: {notebook: a.ipynb, params:
          {day: "{{ day }}", depth: "{{ depth }}", days: "{{ days }}", note: "on {{ date }}"}}
    """
DUE = datetime.fromisoformat("2026-11-02T23:30:00+00:00")


class Quiet:
    """Jobs whose supervisor need not run."""

    def heed_alarms(self, *, start: bool) -> None:
        pass


@pytest.fixture
def churn(bench: Bench) -> Bench:
    bench.workshop.notebook("a", "1", parameters="day = ''\ndepth = 0\ndays = []\nnote = ''")
    bench.workshop.pipeline(FILE, "churn.mlpipeline.yaml")
    return bench


@pytest.fixture
def schedules(churn: Bench, project) -> Schedules:
    return Schedules(project, churn.pipelines, Quiet())  # type: ignore[arg-type]


def exported(bench: Bench, schedule: str = "churn") -> dict[str, Any]:
    body = yaml.safe_load(
        bench.pipelines.export("churn", image="repo/ml:1", schedule=schedule).text
    )
    assert [*schema_faults(body), *rule_faults(body)] == []
    return body


FORMS = {"2006-01-02": "%Y-%m-%d", "2006-01-02T15:04:05-07:00": "%Y-%m-%dT%H:%M:%S%:z"}
"""How Go writes them, and how Python does."""


def evaluated(text: str) -> str:
    """What Argo's expressions give: sprig's functions, which here read as Python."""
    sprig = SimpleNamespace(
        toDate=lambda form, at: at,
        dateInZone=lambda form, at, zone: at.astimezone(ZoneInfo(zone)).strftime(FORMS[form]),
    )
    names = {"sprig": sprig, "workflow": SimpleNamespace(scheduledTime=DUE), "toJson": json.dumps}
    return re.sub(r"\{\{=(.*?)\}\}", lambda found: eval(found[1], names), text)


def test_the_schedule_of_the_file_becomes_that_of_the_cron_workflow(churn: Bench):
    body = exported(churn)
    assert (body["kind"], body["metadata"]["name"]) == ("CronWorkflow", "churn")
    spec = {
        name: value
        for name, value in body["spec"].items()
        if name not in ("workflowSpec", "workflowMetadata")
    }
    assert spec == {
        "schedules": ["30 0 * * 1-5"],
        "timezone": "Europe/Paris",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 7200,
        "suspend": False,
    }


def test_parameters_are_those_of_the_schedule_and_of_the_due_time_in_its_zone(churn: Bench):
    spec = exported(churn)["spec"]["workflowSpec"]
    assert spec["arguments"]["parameters"] == [{"name": "depth", "value": "8"}]
    words = [evaluated(word) for word in spec["templates"][1]["container"]["args"]]
    assert words[4:] == [
        "-r",
        "day",
        "2026-11-03",
        "-p",
        "depth",
        "{{workflow.parameters.depth}}",
        "-y",
        '"days": ["from 2026-11-03T00:30:00+01:00"]',
        "-r",
        "note",
        "on 2026-11-03",
    ]


def test_a_schedule_that_was_made_gives_its_own_facts_and_its_pause(
    churn: Bench, schedules: Schedules
):
    schedules.create(
        "nightly", pipeline="churn", cron="0 2 * * *", overlap="cancel", catchup="none"
    )
    body = exported(churn, "nightly")
    assert (
        body["spec"]["concurrencyPolicy"],
        body["spec"]["startingDeadlineSeconds"],
        body["spec"]["suspend"],
    ) == ("Replace", 1, False)
    assert body["metadata"]["name"] == "nightly"
    schedules.pause("nightly")
    assert exported(churn, "nightly")["spec"]["suspend"] is True


def test_those_that_wait_for_their_turn_wait_for_a_lock(churn: Bench, schedules: Schedules):
    schedules.create("nightly", pipeline="churn", cron="0 2 * * *", overlap="queue")
    spec = exported(churn, "nightly")["spec"]
    assert (spec["concurrencyPolicy"], spec["workflowSpec"]["synchronization"]) == (
        "Allow",
        {"mutexes": [{"name": "nightly"}]},
    )


SAME = {
    "0 6 * * 1-5": "0 6 * * 1-5",
    "0 6 * * 5-7": "0 6 * * 0,5,6",
    "0 6 * * 7": "0 6 * * 0",
    "*/7 * * * MON": "*/7 * * * MON",
    "0 6 7 7 *": "0 6 7 7 *",
}


@pytest.mark.parametrize("text", SAME)
def test_a_cron_text_keeps_its_days(text: str):
    assert crontab(text) == SAME[text]


@pytest.mark.parametrize(
    "text", ["0 6 L * *", "0 6 LW * *", "0 6 * * 5#2", "0 6 * * 5L", "0 6 */2 * 1", "0 6 1 * */2"]
)
def test_a_cron_text_that_argo_reads_otherwise_is_refused(text: str):
    with pytest.raises(Unprocessable, match="cannot keep the times") as caught:
        crontab(text)
    assert caught.value.why


def test_what_a_clock_of_argo_cannot_do_is_refused(churn: Bench, schedules: Schedules):
    schedules.create("all", pipeline="churn", cron="0 2 * * *", catchup="all")
    with pytest.raises(Unprocessable, match="catchup: all"):
        churn.pipelines.export("churn", image="i", schedule="all")
    with pytest.raises(Unprocessable, match="needs an image"):
        churn.pipelines.export("churn", schedule="churn")
    with pytest.raises(NotFound, match="no schedule weekly"):
        churn.pipelines.export("churn", image="i", schedule="weekly")
    churn.workshop.pipeline("steps: {a: {notebook: a.ipynb}}", "other.mlpipeline.yaml")
    with pytest.raises(BadRequest, match="does not start pipeline other"):
        churn.pipelines.export("other", image="i", schedule="all")
    with pytest.raises(NotFound, match=r"And other\.mlpipeline\.yaml has no"):
        churn.pipelines.export("other", image="i", schedule="other")


def test_items_that_hang_on_the_due_time_are_refused(churn: Bench):
    text = FILE.replace(
        "notebook: a.ipynb,", 'notebook: a.ipynb, foreach: {x: "{{ days }}"}, out: "a/{{ x }}",'
    )
    churn.workshop.pipeline(text.replace("days: []", "days: [x]"), "churn.mlpipeline.yaml")
    with pytest.raises(Unprocessable, match="cannot spread step a"):
        churn.pipelines.export("churn", image="i", schedule="churn")


def test_the_head_says_what_the_clocks_do_there(churn: Bench):
    notes = churn.pipelines.export("churn", image="i", schedule="churn").notes
    assert any("may be run twice" in note for note in notes)
    assert not any("A submit must set" in note for note in notes)


def test_the_check_finds_what_is_wrong_with_a_clock(churn: Bench):
    body = exported(churn)
    body["spec"] |= {
        "schedules": ["0 6 * * 7"],
        "timezone": "Paris",
        "concurrencyPolicy": "Queue",
        "startingDeadlineSeconds": -1,
    }
    assert len(list(rule_faults(body))) == 4
    body["spec"]["startingDeadlineSeconds"] = "60"
    assert any("startingDeadlineSeconds" in fault for fault in schema_faults(body))
    body["spec"] |= {"startingDeadlineSeconds": 60, "concurencyPolicy": "Forbid"}
    assert schema_faults(body) == [".spec.concurencyPolicy"]
