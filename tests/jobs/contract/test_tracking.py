"""What a job tracks is there when it has ended, wherever it ran; on another machine it opens
nothing of the project's.
"""

from __future__ import annotations

import sys
from typing import Any

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments

SECONDS = 280.0
"""MLflow is loaded twice on the way, which takes long on a machine that is busy."""
TRACKS = """
import os
import jupyter_mlinfra as ml
with ml.track("contract") as run:
    run.log_metric("auc", 0.5)
if "MLINFRA_NODE" in os.environ:
    try:
        ml.workbench().jobs
    except ml.MLInfraError as error:
        print(error)
    else:
        raise SystemExit("It was opened.")
"""


def test_the_runs_events_and_lineage_of_a_job_are_there_when_it_has_ended(
    site: Any, tools: Any
) -> None:
    project = Project.open(site.root)
    job = site.jobs.wait([site.submit(sys.executable, "-c", TRACKS).id], timeout=SECONDS)[0]
    assert (job.state, job.reason) == ("succeeded", ""), site.jobs.logs(job.id).text
    (run,) = Experiments(project).runs("contract").items
    assert (run.job, run.status, run.metrics) == (job.id, "finished", {"auc": 0.5})
    assert [
        event.data["state"] for event in project.events.after(0) if event.ref == f"run:{run.id}"
    ] == ["running", "finished"]
    assert f'"run:{run.id}"' in "".join(
        path.read_text() for path in project.folder("lineage").glob("*.jsonl")
    )
    assert ("is not opened on" in site.jobs.logs(job.id).text) is (site.backend != "local")
    # Removed once the end is recorded.
    tools.until(lambda: not (project.home / "jobs" / job.id / "outbox").exists())
