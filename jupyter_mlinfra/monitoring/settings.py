"""Settings of the monitoring."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..core.settings import Section


class MonitoringSettings(Section):
    """`[monitoring]`"""

    TABLE: ClassVar[str] = "monitoring"

    evaluate_minutes: float = Field(default=5.0, ge=1, le=525_600, allow_inf_nan=False)
    """Minutes between two evaluations of the rules, from 1 to a year's."""

    psi_alert: float = Field(default=0.2, gt=0)
    """PSI from which the default drift rule fires."""

    min_rows: int = Field(default=200, ge=1)
    """Fewest rows of a window that the drift rule may judge."""

    failed_alert: float = Field(default=0.01, gt=0, le=1)
    """Share of requests answered with 5xx from which an alert fires."""

    refused_alert: float = Field(default=0.05, gt=0, le=1)
    """Share of requests refused with 4xx from which an alert fires."""

    hold_minutes: float = Field(default=0.0, ge=0)
    """Minutes that a breach has to last before its alert fires; until then it is pending."""

    series_days: float = Field(default=366.0, ge=1)
    """Days for which the hourly figures of monitors are kept."""
