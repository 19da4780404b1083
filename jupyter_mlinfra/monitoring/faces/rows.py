"""One row of a list, for each record."""

from __future__ import annotations

from ...faces.rows import Row, row
from ...faces.words import moment, number, plain, share
from ..spec import FeatureDrift, Monitor


@row(FeatureDrift)
def feature_drift(item: FeatureDrift) -> Row:
    return {
        "feature": item.feature,
        "PSI": number(item.psi),
        "KS": number(item.ks),
        "Wasserstein": number(item.wasserstein),
        "JS": number(item.js),
        "missing then": share(item.missing_reference),
        "missing now": share(item.missing_window),
        "drifted": plain(item.drifted),
    }


@row(Monitor)
def monitor(item: Monitor) -> Row:
    return {
        "monitor": item.name,
        "deployment": item.deployment,
        "state": plain(item.state),
        "requests": number(item.requests),
        "rows": number(item.rows),
        "worst": plain(item.worst),
        "PSI": number(item.worst_psi),
        "evaluated": moment(item.evaluated_at),
    }
