"""What tests of monitors share."""

from __future__ import annotations

import pytest

from jupyter_mlinfra.monitoring.settings import MonitoringSettings


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts of the default rules end with the first good window."""
    monkeypatch.setattr(MonitoringSettings, "keep_firing_seconds", 0.0)
