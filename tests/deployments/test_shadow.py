"""Shadows and replays through a real Envoy: copies are answered and logged, and nobody notices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jupyter_mlinfra.deployments import Deployments

SETTINGS = '[deployments]\nworkers = 1\nruntime = "open-inference"\nretain_versions = 0\n'


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    project = kit.open_project(tmp_path_factory.mktemp("shadow") / "project", SETTINGS)
    found = Deployments(project, kit.Registry(models))
    found.deploy("flights", version="flights/1")
    yield found
    kit.clean_up(project)


def until(happened: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def ask(deployments: Deployments, kit: ModuleType, rows: int) -> list[float]:
    """Ask with different rows, one request each; the answers of v1."""
    frame = kit.make_frame(rows, 11)
    found = []
    for number in range(rows):
        answer = deployments.predict("flights", frame[number : number + 1])
        assert answer.version == "v1"
        found += answer.predictions
    return found


def test_a_shadow_answers_copies_that_nobody_gets(
    deployments: Deployments, kit: ModuleType
) -> None:
    record = deployments.deploy(
        "flights", version="flights/2", delivery=kit.DeliverySpec(shadow=100), reason="how is it"
    )
    assert [(item.version, item.traffic, item.shadow, item.role) for item in record.versions] == [
        ("v1", 100, 0, "stable"),
        ("v2", 0, 100, "shadow"),
    ]
    assert "v2 gets copies of 0 → 100 %" in deployments.history("flights").items[0].text
    given = ask(deployments, kit, 30)
    assert given == pytest.approx(
        [row["prediction"] for row in deployments.payloads("flights").iter_rows(named=True)][-30:]
    )
    copies = until(
        lambda: (
            found if (found := deployments.payloads("flights", shadow=True)).height == 30 else None
        )
    )
    assert set(copies["version"]) == {"v2"}
    logged = deployments.payloads("flights")
    assert set(logged["version"]) == {"v1"}
    assert set(copies["request_id"]) == set(logged["request_id"])
    report = deployments.shadow_report("flights", "v2", window=timedelta(minutes=10))
    assert (report.rows, report.refused, report.given_by) == (30, 0, {"v1": 30})
    own = copies.sort("request_id")["prediction"].to_list()
    other = logged.sort("request_id")["prediction"].to_list()
    assert own != other, "two models"
    agree = sum((a >= 0.5) == (b >= 0.5) for a, b in zip(own, other, strict=True)) / 30
    assert report.agreement == pytest.approx(agree)
    assert report.score_shift == pytest.approx(sum(own) / 30 - sum(other) / 30)
    # Feedback is no question, and a caller cannot make its own request a copy.
    deployments.feedback("flights", str(logged["request_id"][0]), reward=1.0)
    body = kit.sample_body(deployments)
    url = deployments.show("flights").deployment.url
    kit.count_versions(url, body, 1, {"x-mlinfra-shadow": "1"})
    until(lambda: deployments.payloads("flights").height == logged.height + 1)
    until(lambda: deployments.payloads("flights", shadow=True).height == 31)
    assert until(lambda: deployments.payloads_feedback("flights").height) == 1
