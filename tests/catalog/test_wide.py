"""Wide files: what is told at a glance is what a count of all values tells, and the questions to
the library do not grow with the columns.
"""

from __future__ import annotations

import random

import polars as pl
import pytest

from jupyter_mlinfra.catalog.guess import Guesses
from jupyter_mlinfra.catalog.reading import Reading


def word(chance: random.Random, kind: str) -> str:
    whole = chance.randrange(-50_000, 50_000)
    return {
        "whole": str(whole),
        "code": f"{abs(whole):06d}",
        "long": str(10**17 + abs(whole)),
        "point": f"{whole / 1000:.4f}",
        "comma": f"{whole / 100:.2f}".replace(".", ","),
        "thousand": f"{abs(whole) + 1000:,}".replace(",", "."),
        "exponent": f"{whole}e{chance.randrange(3)}",
        "day": f"20{chance.randrange(10, 24)}-0{chance.randrange(1, 10)}-1{chance.randrange(9)}",
        "moment": f"2024-01-1{chance.randrange(9)}T0{chance.randrange(9)}:00:00",
        "swapped": f"0{chance.randrange(1, 10)}/0{chance.randrange(1, 10)}/2024",
        "flag": chance.choice(["true", "false"]),
        "yes": chance.choice(["yes", "no"]),
        "text": f"w{whole}",
        "few": chance.choice(["AA", "UA", "9E"]),
        "missing": chance.choice(["NA", "", "null"]),
        "blank": f" {whole}",
    }[kind]


KINDS = [
    "whole",
    "code",
    "long",
    "point",
    "comma",
    "thousand",
    "exponent",
    "day",
    "moment",
    "swapped",
    "flag",
    "yes",
    "text",
    "few",
    "missing",
    "blank",
]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_at_a_glance_is_what_a_count_tells(seed):
    chance = random.Random(seed)
    columns = {}
    for number, kind in enumerate(KINDS * 3):
        odd = chance.choice([*KINDS, "missing", "missing", kind, kind])
        share = chance.choice([0, 0.004, 0.3])
        columns[f"{kind}{number}"] = [
            word(chance, odd if chance.random() < share else kind) for _ in range(600)
        ]
    frame = pl.DataFrame(columns).with_columns(pl.all().replace("", None))
    quick, slow = (Guesses(dict.fromkeys(columns), Reading()) for _ in range(2))
    slow._glances = False
    for guesses in (quick, slow):
        for start in range(0, 600, 200):
            guesses.observe(frame[start : start + 200])
    assert quick.result() == slow.result()


def test_a_wide_file_costs_no_question_for_each_column(catalog, file, monkeypatch):
    asked = []
    real = pl.LazyFrame.collect
    monkeypatch.setattr(
        pl.LazyFrame, "collect", lambda *given, **how: (asked.append(1), real(*given, **how))[1]
    )
    counts = []
    for width in (20, 200):
        names = [f"c{number}" for number in range(width)]
        cells = [
            ["7", "0.25", f"w{row}", "2024-01-02"][n % 4] for row in range(50) for n in range(width)
        ]
        lines = [cells[start : start + width] for start in range(0, len(cells), width)]
        text = "\n".join(",".join(line) for line in [names, *lines])
        asked.clear()
        report = catalog.ingest([file(f"{width}.csv", text)], into=f"t.w{width}")
        counts.append(len(asked))
        assert list(report.schema.values())[:4] == ["i64", "f64", "str", "date"]
    assert counts[1] <= counts[0] + 5
