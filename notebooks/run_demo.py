"""The main job on real flights, from raw files to a monitored deployment, and a table of what
happened.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from jupyter_mlinfra import MLInfraError, Workbench
from jupyter_mlinfra.core.display import state
from jupyter_mlinfra.core.files import explain_os_error, file_lock
from jupyter_mlinfra.deployments.spec import Deployment
from jupyter_mlinfra.pipelines.spec import PipelineRun, RunState, StepRun, StepState

FOLDER = Path(__file__).parent
SIGNS = {
    StepState.RUNNING: "▶",
    StepState.SUCCEEDED: "✓",
    StepState.CACHED: "◌",
    StepState.FAILED: "✗",
    StepState.SKIPPED: "–",
}


def main() -> int:
    """Run the demo; 0 when every step succeeded and the deployment answers."""
    start = time.monotonic()
    try:
        workbench = Workbench.open(FOLDER)
        with file_lock(workbench.project.home / "demo.lock", wait=False, what="The demo"):
            return _run(workbench, start)
    except MLInfraError as error:
        return _fail(error)
    except OSError as error:
        return _fail(explain_os_error(error, "The demo cannot run."))
    except KeyboardInterrupt:
        _fail(
            MLInfraError(
                "The demo was interrupted.",
                "Steps that were running are cancelled.",
                "Run make demo again; what is done is taken from the cache.",
            )
        )
        return 130


def _run(workbench: Workbench, start: float) -> int:
    print(
        f"{workbench.project.settings.project.title}: raw files → features → model → deployment →"
        " monitor",
        flush=True,
    )
    run = workbench.pipelines.run("flights", on_step=lambda step: _say(step, start))
    if run.state is not RunState.SUCCEEDED:
        return _fail(_ended(run))
    workbench.up()
    answer = workbench.deployments.predict(
        "flights", json.loads((FOLDER / "sample.json").read_text())
    )
    _table(workbench, answer.version, answer.milliseconds)
    print(f"\nTook {time.monotonic() - start:.0f} s. Open it in JupyterLab:  make lab")
    print("The command line:  source .venv/bin/activate && cd notebooks && mlinfra jobs list")
    return 0


def _ended(run: PipelineRun) -> MLInfraError:
    """Why the run did not succeed. A step without a notebook could not even be started."""
    failed = next((step for step in run.steps if step.state is StepState.FAILED), None)
    if failed is None:
        return MLInfraError(
            f"The run was {run.state}.",
            run.reason,
            "Run make demo again; what is done is taken from the cache.",
        )
    correction = (
        f"Open {failed.notebook} at the failing cell, correct it"
        if failed.notebook
        else "Correct that"
    )
    return MLInfraError(
        f"Step {failed.name} failed.", failed.reason, f"{correction} and run make demo again."
    )


def _fail(error: MLInfraError) -> int:
    print(f"error: {error.what}\n  why: {error.why}\n  fix: {error.fix}", file=sys.stderr)
    return 1


def _say(step: StepRun, start: float) -> None:
    if step.state in SIGNS:
        # The reason of a step that succeeded was printed when it started.
        why = "" if step.state is StepState.SUCCEEDED else step.reason
        print(
            f"  {time.monotonic() - start:5.0f} s  {SIGNS[step.state]} {step.name:10s}"
            f" {state(step.state):12s} {why}".rstrip(),
            flush=True,
        )


def _table(workbench: Workbench, version: str, milliseconds: float) -> None:
    deployment = workbench.deployments.show("flights").deployment
    rows = [
        *_data_rows(workbench),
        *_model_rows(workbench),
        *_serving_rows(deployment, f"{version} answered in {milliseconds:.0f} ms"),
        _monitor_row(workbench),
    ]
    print()
    for name, text in rows:
        print(f"  {name:12s} {text}")


def _data_rows(workbench: Workbench) -> list[tuple[str, str]]:
    datasets = workbench.catalog.list(limit=100, domains=())
    count = sum(int(item.rows.value or 0) for item in datasets.items)
    features = workbench.features.list(limit=1).total
    views = workbench.features.views(limit=1).total
    jobs = workbench.jobs.counts()
    return [
        ("catalog", f"{datasets.total} datasets, {count:,} rows"),
        ("features", f"{features} features in {views} views"),
        ("jobs", f"{jobs['succeeded']} succeeded, {jobs['failed']} failed"),
    ]


def _model_rows(workbench: Workbench) -> list[tuple[str, str]]:
    champion = workbench.experiments.version("flights@champion")
    runs = len(workbench.experiments.runs("flights").items)
    auc, saved = champion.metrics["test_auc"], champion.metrics["test_saved_per_1000"]
    gain, low, high = (
        f"{champion.metrics[f'versus_rate_saved_per_1000_{bound}']:,.0f}"
        for bound in ("gain", "low", "high")
    )
    versus = "more than acting by the rate of carrier and hour"
    return [
        ("experiments", f"{runs} runs; champion version {champion.version}"),
        ("evaluation", f"test AUC {auc:.3f}; ${saved:,.0f} saved per 1,000 flights"),
        ("", f"${gain} {versus}, 95 % interval [{low}, {high}]"),
    ]


def _serving_rows(deployment: Deployment, answered: str) -> list[tuple[str, str]]:
    gates = [gate for item in deployment.versions for gate in item.gates]
    passed = f"{sum(gate.passed for gate in gates)} of {len(gates)}"
    traffic = ", ".join(f"{item.version} {item.traffic} %" for item in deployment.versions)
    return [
        ("tests", f"{passed} before traffic passed, for {len(deployment.versions)} versions"),
        ("deployment", f"{deployment.state}: {traffic}"),
        ("", f"{deployment.url} ({answered})"),
    ]


def _monitor_row(workbench: Workbench) -> tuple[str, str]:
    monitor = workbench.monitoring.status("flights").monitor
    worst = (
        f"{monitor.worst} PSI {monitor.worst_psi.value:.2f}" if monitor.worst_psi else "no data yet"
    )
    return "monitoring", f"{monitor.state}: {worst}"


if __name__ == "__main__":
    sys.exit(main())
