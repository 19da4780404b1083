"""The first look-up of a process, which has to load Feast."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features

# Each further look-up begins when Feast is half loaded: once this module of it is there.
COLD = """
import json, sys, threading
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.online import reading

reading.direct_store = lambda *_: None  # as of a store that only Feast can read
features, found = Features(Project.open(sys.argv[1])), []
features.views()

def look(after):
    while after and after not in sys.modules:
        pass
    try:
        answer = features.online(["clicks:clicks_7d"], [{"user_id": 1}])[0]
        found.append(answer.values["clicks:clicks_7d"])
    except BaseException as error:
        found.append(repr(error))

moments = (None, "feast.errors", "feast.entity", "feast.data_source", "feast.type_map")
looks = [threading.Thread(target=look, args=(after,)) for after in moments]
for one in looks:
    one.start()
for one in looks:
    one.join()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_look_ups_that_come_while_feast_is_loaded_wait_for_it(shop: Features) -> None:
    process = subprocess.run(
        [sys.executable, "-c", COLD, str(shop._project.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(process.stdout) == [10] * 5


@pytest.mark.slow
def test_a_reader_that_was_warmed_has_its_store_open(shop: Features) -> None:
    features = Features(Project.open(shop._project.root))
    features.warm()
    first = features._online._warming
    assert first is not None
    features.warm()
    assert features._online._warming is first, "a second page begins no second one"
    first.join(120)
    assert features._online._opened is not None
