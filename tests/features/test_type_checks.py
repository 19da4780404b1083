"""Feast's own checks of types, put off until they are needed, refuse what Feast itself refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
from datetime import timedelta
if sys.argv[1] == "ours":
    from jupyter_mlinfra.features.repo import load_feast
    load_feast()
    assert not {"uvicorn", "fastapi"} & set(sys.modules)
    import fastapi.concurrency
    assert fastapi.concurrency
import feast.feature_store
print(feast.feature_store.feature_server.start_server.__module__)
later = feast.feature_store.ui_server.start_server
import feast.ui_server
print(later is feast.ui_server.start_server)
from feast import Entity, FeatureView, Field, FileSource, FeatureService
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64
from feast.value_type import ValueType
import typeguard

print(typeguard.typechecked.__qualname__)
user = Entity(name="user", join_keys=["id"], value_type=ValueType.INT64)
rate = Field(name="rate", dtype=Float64)
source = FileSource(path="a.parquet", timestamp_field="at")
wrong = {
    "entity": lambda: Entity(name=3, value_type=ValueType.INT64),
    "keys": lambda: Entity(name="user", join_keys="id", value_type=ValueType.INT64),
    "field": lambda: Field(name="rate", dtype=Float64, tags=["a"]),
    "view": lambda: FeatureView(name="v", entities=[user], schema=[rate], source=source, ttl=3),
    "entities": lambda: FeatureView(name="v", entities=["user"], schema=[rate], source=source),
    "service": lambda: FeatureService(name="s", features="v:rate"),
    "on demand": lambda: on_demand_feature_view(sources=[], schema=3),
}
for name, made in wrong.items():
    try:
        made()
    except Exception as error:
        print(name, type(error).__name__, error)
    else:
        print(name, "accepted")
"""


def refused(how: str) -> list[str]:
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return process.stdout.splitlines()


@pytest.mark.slow
def test_what_feast_refuses_is_refused_with_its_words() -> None:
    theirs = refused("theirs")
    assert refused("ours") == theirs
    assert theirs[:3] == ["feast.feature_server", "True", "typechecked"]
    assert sum("TypeCheckError" in line for line in theirs) >= 5
