"""DuckDB's Iceberg reader, which nobody here wrote, in an environment of its own: newer versions of
DuckDB have no extensions as packages.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import tools

PACKAGES = [
    "duckdb==1.5.5",
    "duckdb-extensions==1.5.5",
    "duckdb-extension-iceberg==1.5.5",
    "duckdb-extension-avro==1.5.5",
]
_READ = """
import json, sys
import duckdb
from duckdb_extensions import import_extension
for name in ("avro", "iceberg"):
    import_extension(name)
connection = duckdb.connect()
connection.execute("SET autoinstall_known_extensions = false; LOAD avro; LOAD iceberg")
answers = []
for location, snapshot in json.load(sys.stdin):
    rows = connection.execute(
        f"SELECT * FROM iceberg_scan('{location}', snapshot_from_id = {snapshot}) ORDER BY ALL"
    )
    answers.append(rows.fetchall())
print(json.dumps(answers))
"""


def read(snapshots: Sequence[tuple[str, str]]) -> list[list[list[Any]]]:
    """The rows of snapshots, each told by the table's metadata file and its id."""
    done = subprocess.run(
        [tools.interpreter("duckdb155", PACKAGES), "-c", _READ],
        input=json.dumps(snapshots),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[list[Any]]] = json.loads(done.stdout)
    return found
