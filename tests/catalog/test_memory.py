"""Files larger than memory: what an ingest takes beside its imports does not grow with the rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project

_COLUMNS, _BLOCK = 8, 1 << 17
_BOUND = 150
"""MB. Measured: 97, of which most are the blocks under way, and 214 for 2,400,000 rows where the
reader kept what it had read.
"""

_INGEST = """
import json, re, sys
from pathlib import Path
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

def peak():
    # Not getrusage: that has the peak of the process which started this one, too.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10

catalog = Catalog(Project.open(sys.argv[1]))
catalog.ingest([sys.argv[2]], into="t.small")
before = peak()
report = catalog.ingest([sys.argv[3]], into="t.large")
print(json.dumps([report.rows_written, peak() - before]))
"""


def _write(path: Path, rows: int) -> Path:
    """Numbers that cannot be compressed, in row groups as other writers make them."""
    number = pl.int_range(rows, dtype=pl.UInt64, eager=True)
    columns = [number.hash(seed).cast(pl.Int64, wrap_numerical=True) for seed in range(_COLUMNS)]
    frame = pl.DataFrame([values.alias(f"c{place}") for place, values in enumerate(columns)])
    frame.write_parquet(path, compression="uncompressed", row_group_size=_BLOCK, statistics=False)
    return path


@pytest.mark.parametrize(
    "rows", [2_400_000, pytest.param(9_600_000, marks=pytest.mark.slow)], ids=["147 MB", "586 MB"]
)
def test_an_ingest_of_a_parquet_file_does_not_take_more_memory_the_larger_it_is(
    project: Project, tmp_path: Path, rows: int
) -> None:
    small = _write(tmp_path / "small.parquet", 1000)
    large = _write(tmp_path / "large.parquet", rows)
    arguments = [str(project.root), str(small), str(large)]
    done = subprocess.run(
        [sys.executable, "-c", _INGEST, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    written, surplus = json.loads(done.stdout.splitlines()[-1])
    assert written == rows
    assert surplus < _BOUND, f"{surplus} MB for a file of {large.stat().st_size >> 20} MB"
