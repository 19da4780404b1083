"""Which payload logs there are and what is not shown of them, without the verbs of deployments and
what these load.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    """Those of a log's columns whose values are not shown: masked inputs, and the parameters, which
    may repeat them.
    """
    from .payload_log.frames import BASE_COLUMNS, is_output

    inputs = [name for name in columns if name not in BASE_COLUMNS and not is_output(name)]
    hidden, params = masked_inputs(project, inputs), hides_values(project)
    return [name for name in columns if name in hidden or (params and name == "params")]


def masked_inputs(project: Project, inputs: Collection[str]) -> Collection[str]:
    """Those of these inputs, or of their parts, whose values are not shown: `masked_inputs` of the
    settings names them, or they come from a column tagged `pii`.
    """
    from .personal import hidden_inputs
    from .requests import is_masked

    patterns = hidden_inputs(project).patterns
    return {name for name in inputs if is_masked(name, patterns)}


def hides_values(project: Project) -> bool:
    """Whether the values of any input are not shown: then nothing is that may repeat one."""
    from .personal import hidden_inputs

    return hidden_inputs(project).any
