"""Which payload logs there are and what is not shown of them, without the verbs of deployments and
what these load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .rows import read_names
from .targets.layout import payload_folder

if TYPE_CHECKING:
    from ..core.project import Project


def payload_logs(project: Project) -> Mapping[str, Path]:
    """The folders of the payload logs by deployment, in order of name. One that has never served
    has none yet.
    """
    with project.database.read() as connection:
        return {name: payload_folder(project, name) for name in read_names(connection)}


def masked_columns(project: Project, columns: Sequence[str]) -> Sequence[str]:
    """Those of a log's columns whose values are not shown: the inputs that `masked_inputs` names,
    and the parameters, which may repeat them.
    """
    from .payload_log.frames import BASE_COLUMNS
    from .requests import is_masked, is_output
    from .settings import DeploymentSettings

    patterns = project.settings.of(DeploymentSettings).masked_inputs
    inputs = [name for name in columns if name not in BASE_COLUMNS and not is_output(name)]
    hidden = {name for name in inputs if is_masked(name, patterns)}
    return [name for name in columns if name in hidden or (patterns and name == "params")]
