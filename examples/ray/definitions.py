"""Two views of taxi drivers. Neither has a ttl: Feast's Ray store does not look at it."""

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
zone = Entity(name="zone", join_keys=["zone_id"], value_type=ValueType.INT64)

trips = FeatureView(
    name="trips",
    entities=[driver],
    schema=[Field(name="trips_7d", dtype=Int64), Field(name="rating", dtype=Float64)],
    source=FileSource(
        name="trips",
        path="data/trips.parquet",
        timestamp_field="at",
        created_timestamp_column="made",
    ),
)

demand = FeatureView(
    name="demand",
    entities=[driver, zone],
    schema=[Field(name="wait", dtype=Float64)],
    source=FileSource(name="demand", path="data/demand.parquet", timestamp_field="at"),
)
