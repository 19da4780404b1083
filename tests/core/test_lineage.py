"""What was made from what."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_mlinfra.core.lineage import Lineage


def test_the_graph_around_an_object_goes_both_ways_over_versions(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path / "lineage", namespace="test")
    lineage.record("ingest.ipynb", inputs=["file:a.csv"], outputs=["dataset:a.b@1"])
    lineage.record("features.ipynb", inputs=["dataset:a.b@1"], outputs=["view:v"])
    lineage.record("train.ipynb", inputs=["view:v"], outputs=["run:9c1e"])
    lineage.record("other.ipynb", inputs=["dataset:x.y@1"], outputs=["run:77ab"])
    found = {(edge.input, edge.output, edge.job) for edge in lineage.around("dataset:a.b")}
    assert found == {
        ("file:a.csv", "dataset:a.b@1", "ingest.ipynb"),
        ("dataset:a.b@1", "view:v", "features.ipynb"),
        ("view:v", "run:9c1e", "train.ipynb"),
    }


def test_the_files_are_openlineage_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    lineage = Lineage(tmp_path / "lineage", namespace="test")
    lineage.record("step", inputs=["dataset:a.b@1"], outputs=["model:m"], facts={"rows": 3})
    path = next((tmp_path / "lineage").iterdir())
    event = json.loads(path.read_text())
    assert event["eventType"] == "COMPLETE"
    assert event["job"] == {"namespace": "test", "name": "step", "facets": event["job"].get("facets", {})}
    assert event["run"]["facets"]["mlinfra"]["rows"] == 3
    with path.open("a") as file:
        file.write('{"eventType": "COMP')
    assert len(lineage.edges()) == 1
