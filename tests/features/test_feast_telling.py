"""What Feast tells OpenLineage and MLflow (feature_store.yaml) beside ours: a receiver gets each
run once, nobody loses one, and runs show the views that Feast has noted.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pandas as pd
import pytest

from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.core.lineage.sending import Sender
from jupyter_mlinfra.core.lineage.settings import LineageSettings
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments
from jupyter_mlinfra.features import Features, materializing

T0 = datetime(2026, 3, 1, 1, tzinfo=UTC)
OURS = {"features.apply", "features.materialize"}
PATH = "/api/v1/lineage"


class Receiver:
    """An endpoint that keeps the events it takes. refuses: programs whose events it does not take,
    as a part of their producer.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refuses = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                refused = bool(receiver.refuses) and receiver.refuses in body["producer"]
                if self.path == PATH and not refused:
                    receiver.events.append(body)
                self.send_response(422 if refused else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def jobs(self) -> set[str]:
        return {event["job"]["name"] for event in self.events if "job" in event}


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    both = Receiver(), Receiver()
    for receiver in both:
        threading.Thread(target=receiver.server.serve_forever, daemon=True).start()
    yield both
    for receiver in both:
        receiver.server.shutdown()
        receiver.server.server_close()


def tell(shop: Project, feast: Receiver, ours: Receiver) -> None:
    """Feast's events go to one receiver, ours to another."""
    toml = shop.root / "mlinfra.toml"
    toml.write_text(f'{toml.read_text()}\n[lineage]\nurl = "{ours.address}{PATH}"\n')
    (shop.root / "feature_repo" / "feature_store.yaml").write_text(
        f"openlineage:\n  enabled: true\n  transport_type: http\n  transport_url: {feast.address}\n"
    )


def apply(shop: Project) -> None:
    """In a process of its own, as always; what it could not send goes now."""
    Features(Project.open(shop.root)).apply()
    send(shop)


def materialize(shop: Project, *views: str) -> None:
    project = Project.open(shop.root)
    materializing.materialize(project, materializing.Wish(views=views), progress=lambda *_: None)
    send(shop)


def send(shop: Project) -> None:
    project = Project.open(shop.root)
    url = project.settings.of(LineageSettings).url
    assert Sender(project.home / "lineage", url).send() == ""


def runs_of(receiver: Receiver, job: str) -> dict[str, list[str]]:
    """The events of each run."""
    found: dict[str, list[str]] = {}
    for event in receiver.events:
        if event.get("job", {}).get("name") == job:
            found.setdefault(event["run"]["runId"], []).append(event["eventType"])
    return found


def test_one_endpoint_hears_of_each_run_once_and_in_feast_s_words(
    fresh_shop: Project, receivers: tuple[Receiver, Receiver]
) -> None:
    receiver = receivers[0]
    tell(fresh_shop, receiver, receiver)
    apply(fresh_shop)
    assert receiver.jobs() == {"feast_feature_views_shop"}
    applied = len(receiver.events)
    materialize(fresh_shop)
    runs = runs_of(receiver, "materialize_shop")
    assert list(runs.values()) == [["START", "COMPLETE"]] * 2, "one run of each view"
    rows = [
        event["run"]["facets"]["feast_materialization"]["rows_written"]
        for event in receiver.events[applied:]
        if event["eventType"] == "COMPLETE"
    ]
    assert rows == [10, 6]
    edges = Project.open(fresh_shop.root).lineage.edges()
    assert {edge.job for edge in edges} == OURS, "the project's own graph has both"
    # What only we know of is sent as before.
    fresh_shop.lineage.record("catalog.ingest", inputs=["file:a"], outputs=["dataset:a.b@1"])
    send(fresh_shop)
    assert len(receiver.events) == applied + 5


@pytest.mark.slow
def test_two_endpoints_hear_of_each_run_in_the_words_of_their_own_program(
    applied_shop: Project, receivers: tuple[Receiver, Receiver]
) -> None:
    feast, ours = receivers
    tell(applied_shop, feast, ours)
    materialize(applied_shop)
    assert feast.jobs() == {"materialize_shop"}
    assert ours.jobs() == OURS, "also what was applied before there was an endpoint"


@pytest.mark.slow
def test_what_feast_could_not_tell_is_told_by_us(
    fresh_shop: Project, receivers: tuple[Receiver, Receiver]
) -> None:
    receiver = receivers[0]
    tell(fresh_shop, receiver, receiver)
    receiver.refuses = "feast"
    apply(fresh_shop)
    materialize(fresh_shop)
    assert receiver.jobs() == OURS


def test_a_run_that_fails_has_failed_for_the_endpoint_too(
    applied_shop: Project, receivers: tuple[Receiver, Receiver]
) -> None:
    receiver = receivers[0]
    tell(applied_shop, receiver, receiver)
    (applied_shop.root / "feature_repo/data/spend.parquet").write_bytes(b"no Parquet")
    with pytest.raises(MLInfraError):
        materialize(applied_shop, "spend")
    runs = runs_of(receiver, "materialize_shop")
    assert list(runs.values()) == [["START", "FAIL"]]


def test_runs_show_the_views_that_feast_noted_and_feast_s_experiment_of_operations_is_kept(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{applied_shop.root / '.mlinfra' / 'mlflow.db'}"
    (applied_shop.root / "feature_repo" / "feature_store.yaml").write_text(
        f"mlflow:\n  enabled: true\n  tracking_uri: {uri}\n  log_operations: true\n"
    )
    monkeypatch.chdir(applied_shop.root)
    project = Project.open(applied_shop.root)
    entities = pd.DataFrame({"user_id": [1], "item_id": ["pen"], "event_timestamp": [T0]})
    with Experiments(project).track("train") as run:
        names = ["clicks:rate", "spend:amount"]
        Features(project).feast().get_historical_features(entities, names).to_df()
    shown = Experiments(project).show(run.ref)
    assert shown.datasets == ["view:clicks", "view:spend"]
    assert shown.tags["feast.feature_refs"] == "clicks:rate,spend:amount"
    materializing.materialize(
        project, materializing.Wish(views=["clicks"], start=T0), progress=lambda *_: None
    )
    (noted,) = Experiments(project).runs("shop-feast-ops").items
    assert noted.tags["feast.operation"] == "materialize"
    assert noted.tags["feast.materialize.feature_views"] == "clicks"
