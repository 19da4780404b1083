"""An on-demand view of Feast: features that are computed from the request and from other features,
by the same function that computed them for training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


class OnDemandView:
    """Feast's own object, made once. Loading it runs code of the project's definitions: it is a
    part of the bundle, whose checksum was compared.
    """

    def __init__(self, proto: bytes) -> None:
        from feast.on_demand_feature_view import OnDemandFeatureView
        from feast.protos.feast.core import OnDemandFeatureView_pb2

        message = OnDemandFeatureView_pb2.OnDemandFeatureView.FromString(proto)
        self._view = OnDemandFeatureView.from_proto(message)

    def compute(self, inputs: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
        """Values by feature. inputs: columns of equal length, by the name of a field of the request
        or of a feature, the latter also as `view__feature`. Raises what the function raises.
        """
        if self._view.mode == "python":
            return self._in_python(inputs)
        import pandas as pd

        frame = pd.DataFrame({name: list(values) for name, values in inputs.items()})
        found = self._view.feature_transformation.transform(frame)
        return {str(name): _values(found[name]) for name in found.columns}

    def _in_python(self, inputs: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
        transformation = self._view.feature_transformation
        if not self._view.singleton:
            found = transformation.transform({name: list(v) for name, v in inputs.items()})
            return {name: [_scalar(value) for value in values] for name, values in found.items()}
        size = len(next(iter(inputs.values())))
        rows = [
            transformation.transform_singleton({name: [v[row]] for name, v in inputs.items()})
            for row in range(size)
        ]
        return {name: [_scalar(row[name]) for row in rows] for name in rows[0]}


def _scalar(value: Any) -> Any:
    """A plain Python value; None for one that is missing."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def _values(series: Any) -> list[Any]:
    missing = series.isna().tolist()
    values = series.astype(object).tolist()
    return [None if gap else value for gap, value in zip(missing, values, strict=True)]
