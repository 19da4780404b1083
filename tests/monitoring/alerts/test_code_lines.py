"""The lines of code that a drag of a model, a deployment, a monitor or an alert brings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import create_autospec

import polars as pl
import pytest

import jupyter_mlinfra as ml
from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.experiments import Experiments
from tests.monitoring.alerts import conftest
from tests.monitoring.alerts.conftest import TRAINING, Flights
from tests.monitoring.logs import answered, write_journal

BY_FEATURE = "rules: [{name: drift, metric: psi, threshold: 0.2, min_rows: 500, by: feature}]"


@pytest.fixture
def churn(project: Project, monkeypatch: pytest.MonkeyPatch) -> Flights:
    """A monitored deployment whose feature spend_30d has moved, in the kernel of its project."""
    monkeypatch.setattr(conftest, "TRAINING", TRAINING.rename({"temp": "spend_30d"}))
    made = Flights(project, "churn")
    for noun in ("monitoring", "deployments", "experiments"):
        monkeypatch.setattr(f"jupyter_mlinfra.nouns.{noun}.current", lambda: made.bench)
    return made


def run(code: str, **names: Any) -> dict[str, Any]:
    """What a cell with this code leaves behind."""
    space: dict[str, Any] = {"ml": ml, **names}
    exec(code, space)
    return space


def test_the_lines_of_an_alert_and_of_a_monitor_run(churn: Flights) -> None:
    (churn.project.root / "own.mlrules.yaml").write_text(BY_FEATURE)
    churn.log(600, shift=20)
    hour = datetime(2026, 11, 24, 11, tzinfo=UTC).timestamp()
    write_journal(
        payload_folder(churn.project, "churn"),
        hour,
        [answered(hour + 60 * n, f"r{n}", [[80.0, 10.0]], [0.5]) for n in range(60)],
        names=["spend_30d", "wind"],
        version="v2",
    )
    churn.log(5, at=now() - timedelta(days=3))
    churn.monitoring.evaluate("churn")
    line = 'bad = ml.alert("churn/drift/spend_30d").window(); part = bad.sample(50)'
    found = run(line)
    assert found["bad"].height == 600
    assert found["part"].height == 50
    found = run('hour = ml.monitor("churn").distribution("spend_30d", "2026-11-24T11")')
    assert (found["hour"].feature, found["hour"].psi.n) == ("spend_30d", 60)
    assert run('rows = ml.monitor("churn").frame(since="24h")')["rows"].height == 600
    code = churn.monitoring.status("churn").code["python"]
    assert 'frame(since="24h")' in code
    assert run(code)["requests"].height == 600


def test_spans_of_time_are_texts_spans_or_moments_wherever_one_is_asked_for(
    churn: Flights,
) -> None:
    churn.log(6)
    churn.log(4, at=now() - timedelta(days=3))
    churn.log(2, at=now() - timedelta(minutes=1), status=400)
    watched, deployed = ml.monitor("churn"), ml.deployment("churn")
    assert watched.refused(since="24h").height == 2
    for since in ("24h", timedelta(hours=24), now() - timedelta(hours=24)):
        assert deployed.payloads(since=since).height == 8
    assert deployed.payloads().height == 12
    assert watched.figures("24h").rows == watched.figures(timedelta(days=1)).rows == 6
    assert watched.status("7d").monitor.rows.value == 10
    assert watched.evaluate("24h").monitor.rows.value == 6
    by_text = watched.series("requests", since="3h")
    assert by_text.equals(watched.series("requests", since=timedelta(hours=3)))
    for call in (watched.frame, deployed.payloads):
        with pytest.raises(BadRequest, match="no unit"):
            call(since="24")


def test_the_lines_of_a_model_and_of_a_deployment_run(churn: Flights) -> None:
    experiments = create_autospec(Experiments, instance=True)
    deployments = create_autospec(Deployments, instance=True)
    churn.bench.__dict__.update(experiments=experiments, deployments=deployments)
    model = run('model = ml.model("churn@champion").load()')["model"]
    experiments.version.assert_called_once_with("churn@champion")
    assert model is experiments.load.return_value
    run('model = ml.model("churn/7").load()')
    experiments.version.assert_called_with("churn/7")
    rows = pl.DataFrame({"spend_30d": [1.0] * 9})
    answers = run('answers = ml.deployment("churn").predict(df.head(5))', df=rows)["answers"]
    assert answers is deployments.predict.return_value
    assert deployments.predict.call_args.args[1].height == 5
