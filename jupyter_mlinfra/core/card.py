"""The project card: the use case, in section `[project]` of `mlinfra.toml`."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from .settings import Section

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Targets(Section):
    """What the use case asks of the infrastructure; `mlinfra project check` measures each."""

    latency_p99_ms: float | None = Field(default=None, gt=0)
    """99th percentile of the answer time of the live deployment, in milliseconds."""

    requests_per_second: float | None = Field(default=None, gt=0, le=10_000)
    """Requests a second that the live deployment has to bear; at most 10,000, the largest load that
    can be made for the measurement.
    """

    feature_lag_hours: float | None = Field(default=None, gt=0)
    """How far online features may be behind their source, in hours; a view with a shorter ttl is
    held to that.
    """

    datasets: tuple[str, ...] = ()
    """Datasets that must be present, as `namespace.table`."""

    metric: str = ""
    """Metric of the champion version that is held against `metric_at_least`."""

    metric_at_least: float | None = None
    """Lowest acceptable value of `metric`."""


class ProjectCard(Section):
    """The use case: what is predicted, for whom, and what a success is."""

    TABLE: ClassVar[str] = "project"

    name: str = ""
    """Short name (DNS label): Seldon namespace and MLflow tag. Default: the folder's name."""

    title: str = ""
    """One line that a colleague understands."""

    goal: str = ""
    """What is decided with the prediction, and when it is made."""

    kpi: str = ""
    """The business figure that a success moves, with its unit."""

    owner: str = ""
    """Who answers for the project."""

    deployment: str = ""
    """Deployment that the targets are measured on. Default: the only one there is."""

    targets: Targets = Targets()

    @field_validator("name")
    @classmethod
    def _is_label(cls, name: str) -> str:
        if name and not _LABEL.fullmatch(name):
            rule = (
                "A name is 1 to 63 small letters, digits and hyphens; a letter or digit comes first"
                " and last (my-shop, not my_shop)"
            )
            raise PydanticCustomError("label", rule)
        return name
