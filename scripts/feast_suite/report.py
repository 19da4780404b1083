"""What the runs of Feast's tests came to: report.py STORE-SOURCE.xml…

Prints the counts of each run and each test that fails over our store though it passes over one
of Feast's: with the same kind of source, or with Parquet. Such a test is an error. Feast's own
views of batches refuse its IcebergSource, so with that only the same kind is compared.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

OURS = "polars"
PEERS = {"iceberg": ("iceberg",)}


def outcomes(file: Path) -> dict[str, str]:
    """Test → passed, failed or skipped; a fault in a fixture is a failure."""
    found = {}
    for case in ET.parse(file).iter("testcase"):  # noqa: S314  # pytest wrote it
        # A parameter names the creator of the source: LOCAL:Parquet:sqlite:python_fs:False.
        name = re.sub(r"LOCAL:\w+:", "", case.get("name", ""))
        kinds = {child.tag for child in case}
        failed, skipped = kinds & {"failure", "error"}, "skipped" in kinds
        found[f"{case.get('classname')}::{name}"] = (
            "failed" if failed else "skipped" if skipped else "passed"
        )
    return found


def main(files: list[Path]) -> int:
    """Print the report; 1 if a test fails over our store alone."""
    runs = {tuple(file.stem.split("-")): outcomes(file) for file in files}
    for (store, source), tests in runs.items():
        counts = Counter(tests.values())
        print(
            f"{store:8}{source:9}{counts['passed']:4} passed {counts['failed']:4} failed"
            f" {counts['skipped']:4} skipped"
        )
    ours_alone = []
    for (store, source), tests in runs.items():
        if store == OURS:
            peers = [
                run
                for (other, kind), run in runs.items()
                if other != OURS and kind in PEERS.get(source, (source, "parquet"))
            ]
            ours_alone += [
                f"{source:9}{name}"
                for name, outcome in tests.items()
                if outcome == "failed" and any(run.get(name) == "passed" for run in peers)
            ]
    print(f"{len(ours_alone)} tests fail over our store and pass over one of Feast's")
    print(*ours_alone, sep="\n")
    return 1 if ours_alone else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
