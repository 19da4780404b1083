"""Settings of the experiments."""

from __future__ import annotations

from typing import ClassVar

from ..core.settings import Section


class ExperimentSettings(Section):
    """`[experiments]`"""

    TABLE: ClassVar[str] = "experiments"

    tracking_uri: str = ""
    """MLflow tracking store: empty = SQLite in the project; `http(s)://…` = an MLflow server."""

    artifacts: str = ""
    """Where artifacts of new experiments go: empty = a folder in the project."""
