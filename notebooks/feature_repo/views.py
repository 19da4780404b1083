"""The feature views of the flights project: plain Feast, over datasets of the catalog.

`known_at` is the moment at which a value became known; a view's ttl is how long it may be used
after that.
"""

from datetime import timedelta

from feast import Entity, FeatureView, Field
from feast.types import Float64, Int64
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

origin = Entity(
    name="origin",
    join_keys=["origin"],
    value_type=ValueType.STRING,
    description="Airport of departure: EWR, JFK or LGA",
)
carrier = Entity(
    name="carrier",
    join_keys=["carrier"],
    value_type=ValueType.STRING,
    description="Airline, two letters",
)
route = Entity(
    name="route",
    join_keys=["route"],
    value_type=ValueType.STRING,
    description="Origin and destination, as JFK-LAX",
)
plane = Entity(
    name="plane", join_keys=["tailnum"], value_type=ValueType.STRING, description="Tail number"
)

origin_weather = FeatureView(
    name="origin_weather",
    entities=[origin],
    ttl=timedelta(hours=6),
    schema=[
        Field(name="temp", dtype=Float64, description="Temperature, °F"),
        Field(name="dewp", dtype=Float64, description="Dew point, °F"),
        Field(name="humid", dtype=Float64, description="Relative humidity, %"),
        Field(name="wind_speed", dtype=Float64, description="Wind speed, mph"),
        Field(name="precip", dtype=Float64, description="Precipitation of the hour, inches"),
        Field(name="pressure", dtype=Float64, description="Sea level pressure, millibars"),
        Field(name="visib", dtype=Float64, description="Visibility, miles"),
    ],
    source=DatasetSource(dataset="flights.origin_weather", timestamp_field="known_at"),
    description="Weather at the origin, last hourly observation",
    owner="ana",
    tags={"domain": "weather"},
)

origin_delays = FeatureView(
    name="origin_delays",
    entities=[origin],
    ttl=timedelta(hours=12),
    schema=[
        Field(
            name="departures_2h", dtype=Int64, description="Flights that left in the last two hours"
        ),
        Field(
            name="late_share_2h",
            dtype=Float64,
            description="Share of them that left 15 or more minutes late",
        ),
        Field(
            name="mean_delay_2h", dtype=Float64, description="Their mean departure delay, minutes"
        ),
    ],
    source=DatasetSource(dataset="flights.origin_delays", timestamp_field="known_at"),
    description="Departure delays at the origin, last two hours",
    owner="ana",
    tags={"domain": "operations"},
)

carrier_delays = FeatureView(
    name="carrier_delays",
    entities=[carrier],
    ttl=timedelta(hours=30),
    schema=[
        Field(
            name="landed_6h",
            dtype=Int64,
            description="Flights of the carrier that landed in the last six hours",
        ),
        Field(
            name="late_share_6h",
            dtype=Float64,
            description="Share of them that arrived 15 or more minutes late",
        ),
        Field(name="mean_delay_6h", dtype=Float64, description="Their mean arrival delay, minutes"),
    ],
    source=DatasetSource(dataset="flights.carrier_delays", timestamp_field="known_at"),
    description="Arrival delays of the carrier, last six hours",
    owner="ana",
    tags={"domain": "operations"},
)

route_delays = FeatureView(
    name="route_delays",
    entities=[route],
    ttl=timedelta(days=30),
    schema=[
        Field(
            name="landed_14d",
            dtype=Int64,
            description="Flights of the route that landed in the last fourteen days",
        ),
        Field(
            name="late_share_14d",
            dtype=Float64,
            description="Share of them that arrived 15 or more minutes late",
        ),
        Field(
            name="mean_delay_14d", dtype=Float64, description="Their mean arrival delay, minutes"
        ),
    ],
    source=DatasetSource(dataset="flights.route_delays", timestamp_field="known_at"),
    description="Arrival delays on the route, last fourteen days",
    owner="ana",
    tags={"domain": "operations"},
)

plane_facts = FeatureView(
    name="plane_facts",
    entities=[plane],
    ttl=timedelta(0),
    schema=[
        Field(name="year_built", dtype=Int64, description="Year in which the plane was built"),
        Field(name="seats", dtype=Int64, description="Seats"),
    ],
    source=DatasetSource(dataset="flights.plane_facts", timestamp_field="known_at"),
    description="Facts of the plane",
    owner="ana",
    tags={"domain": "fleet"},
)
