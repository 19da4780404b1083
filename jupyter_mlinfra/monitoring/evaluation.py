"""What the alarm of the monitors starts: `python -m jupyter_mlinfra.monitoring.evaluation ROOT`. It
evaluates every monitor once, and ends.

The supervisor starts it, so alerts fire also while no JupyterLab is open.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.errors import Conflict, MLInfraError
from ..core.project import Project
from ..core.records import now, to_json
from ..core.settings import FILE
from ..deployments import Deployments
from ..experiments import Experiments
from .service import Monitoring


def main(root: str) -> int:
    """0 if all monitors were evaluated, or another process is doing so now."""
    # Opening a project that was moved away would create its folder again.
    if not (Path(root) / FILE).is_file():
        _say(f"nothing was evaluated: {root} is not a project: it has no {FILE}.")
        return 1
    try:
        project = Project(Path(root))
        experiments = Experiments(project)
        Monitoring(project, Deployments(project, experiments), experiments).evaluate_all(_say)
    except Conflict:  # another round is in progress
        return 0
    except MLInfraError as error:
        _say(f"nothing was evaluated: {error}")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{to_json(now())} {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
