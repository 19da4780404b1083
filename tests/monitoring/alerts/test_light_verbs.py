"""What lists say is in `state.db`: their verbs load no data library, and no domain that they do
not ask.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.core.test_import import HEAVY
from tests.monitoring.alerts.conftest import Flights

CODE = (
    "import sys\nfrom jupyter_mlinfra.cli.app import main\ntry: main(sys.argv[1:])\nexcept"
    " SystemExit: print(*sys.modules, file=sys.stderr)"
)
RULE = "rules: [{name: own, metric: psi, threshold: 0.5}]\n"


def loaded_by(flights: Flights, *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=flights.project.root,
    )
    assert any(word in done.stdout for word in ("flights", "own", "psi"))
    return set(done.stderr.split())


@pytest.mark.parametrize("words", ["monitors list", "alerts list", "rules list"])
def test_a_list_loads_no_data_library_and_no_other_domain(flights: Flights, words: str) -> None:
    (flights.project.root / "own.mlrules.yaml").write_text(RULE)
    flights.log(600)
    flights.monitoring.evaluate("flights")
    found = loaded_by(flights, *words.split())
    assert {name.partition(".")[0] for name in found} & (HEAVY - {"pydantic"}) == set()
    others = ("catalog", "features", "pipelines", "experiments", "deployments")
    assert [name for name in others if f"jupyter_mlinfra.{name}.service" in found] == []


def test_figures_load_no_store_of_another_domain(flights: Flights) -> None:
    flights.log(600)
    for words in (["status", "flights"], ["series", "flights", "--metric", "psi", "--json"]):
        found = {name.partition(".")[0] for name in loaded_by(flights, "monitors", *words)}
        assert found & {"mlflow", "sqlalchemy", "feast", "pyiceberg", "pandas"} == set()
