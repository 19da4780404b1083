"""Records of a notebook: its parameters, and the result of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedNotebook:
    """A notebook with the outputs of its run. content: nbformat 4. failed_cell: index of the cell
    with an error, from 0.
    """

    path: str
    modified_at: datetime
    content: Mapping[str, Any]
    failed_cell: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One name in the cell tagged `parameters`. type: the annotation, else the default's type.
    default: a JSON value, else its source text.
    """

    name: str
    type: str
    default: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParameter:
    """A parameter that a job ran with. given: whether the submit set it; else it is the notebook's
    default at that time.
    """

    name: str
    type: str
    value: Any
    given: bool
