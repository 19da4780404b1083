"""What Prometheus scrapes: the figures that the rules judge, of every monitor."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.monitoring import Monitoring
from tests.monitoring.alerts.conftest import Flights


def readable(text: str) -> None:
    """Prometheus' own checker reads it. It would write out the unit of `p95_ms`, which is the name
    of our metric; anything else that it says is a fault.
    """
    path = shutil.which("promtool")
    assert path, "This test asks Prometheus itself. On Debian: apt-get install promtool"
    done = subprocess.run(
        [path, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    said = (done.stdout + done.stderr).splitlines()
    assert [line for line in said if "abbreviated units" not in line] == []


def test_the_endpoint_has_the_values_that_the_rules_judged(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights.log(600, shift=15)
    flights.monitoring._store.add("trains", "nowhere", "ana")
    judged = {
        item.metric: item
        for item in flights.monitoring.evaluate("flights").alerts
        if item.subject != "wind"
    }
    text = flights.monitoring.metrics()
    readable(text)
    found = re.search(r'mlinfra_psi\{monitor="flights",feature="temp",version="v2"\} (\S+)', text)
    assert found
    assert judged["psi"].value
    assert float(found[1]) == pytest.approx(judged["psi"].value.value)
    assert 'mlinfra_requests{monitor="flights",version="v2"} 600.0' in text
    assert text.count("# TYPE mlinfra_psi gauge") == 1
    assert "# trains: " in text, "a monitor that cannot be measured says why and hides no other"

    def broken(*_: object) -> None:
        raise Unavailable("The log is\nnot there.")

    monkeypatch.setattr(Monitoring, "_measure", broken)
    text = flights.monitoring.metrics()
    assert text.splitlines() == [
        "# flights: The log is not there.",
        "# trains: The log is not there.",
    ]
