"""Two tables, compared by the command line as a script would."""

from __future__ import annotations

import json
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.monitoring.comparing.report import html_of
from jupyter_mlinfra.monitoring.comparing.tables import compare_tables

ROWS = 5_000


def table(shift: float = 0.0, rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "steady": rng.normal(size=rows),
            "moved": rng.normal(shift, size=rows),
            "count": rng.poisson(3 + shift, size=rows),
            "city": rng.choice(["Aachen", "Bonn"] if not shift else ["Bonn", "Celle"], rows),
        }
    )


def compare(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as ended:
        main(["--json", "monitors", "compare", *map(str, words)])
    return int(str(ended.value.code)), json.loads(capfd.readouterr().out)


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow"])
def test_two_files_are_compared_column_by_column(
    ending: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no project is needed
    before, now = table(), table(1.0, rows=3_000, seed=1)
    for name, frame in (("before", before), ("now", now)):
        write = {"parquet": frame.write_parquet, "csv": frame.write_csv, "arrow": frame.write_ipc}
        write[ending](tmp_path / f"{name}.{ending}")
    code, found = compare(capfd, f"before.{ending}", f"now.{ending}")
    assert code == 0
    assert found["rows"] == {"reference": ROWS, "current": 3_000}
    assert sorted(found["drifted"]) == ["city", "count", "moved"]
    assert list(found["drift"])[-1] == "steady"  # the one that moved least is the last
    moved, city = found["drift"]["moved"], found["drift"]["city"]
    assert moved["ks"] == pytest.approx(
        stats.ks_2samp(before["moved"], now["moved"], method="asymp").statistic, abs=1e-12
    )
    assert moved["wasserstein"] == pytest.approx(
        stats.wasserstein_distance(before["moved"], now["moved"]), rel=1e-9
    )
    assert (city["ks"], city["wasserstein"], city["basis"]) == (None, None, "exact")
    counts = [
        [frame["city"].to_list().count(name) for name in ("Aachen", "Bonn", "Celle")]
        for frame in (before, now)
    ]
    assert city["chi2"] == pytest.approx(
        stats.chi2_contingency(counts, correction=False).statistic, rel=1e-9
    )


def test_what_cannot_be_compared_is_named_and_hides_nothing() -> None:
    before = pl.DataFrame(
        {"a": [1.0, 2.0], "text": ["x", "y"], "day": [date(2026, 1, 1)] * 2, "list": [[1], [2]]}
    ).with_columns(gone=pl.lit(1), empty=pl.lit(None))
    now = before.drop("gone").with_columns(text=pl.lit(3), new=pl.lit(1), empty=pl.lit(1.0))
    found = compare_tables(before.lazy(), now.lazy(), threshold=0.2).record
    assert found.drift["a"].psi == 0
    assert found.drift["empty"].psi > 0.2  # values where there were none
    assert set(found.not_compared) == {"text", "day", "list", "gone", "new"}
    assert "String" in found.not_compared["text"]
    assert "does not have it" in found.not_compared["gone"]


def test_missing_values_infinities_and_an_empty_table_are_no_fault() -> None:
    odd = [1.0, None, float("nan"), float("inf"), -1e308, 5e-324]
    before = pl.DataFrame(
        {"x": pl.Series(odd * 50), "single": pl.Series(odd * 50, dtype=pl.Float32)}
    )
    found = compare_tables(before.lazy(), before.lazy(), threshold=0.2).record
    assert [item.psi for item in found.drift.values()] == [0, 0]
    assert [item.wasserstein for item in found.drift.values()] == [0, 0]


def test_a_table_without_rows_is_not_compared_and_reads_as_no_result() -> None:
    some = pl.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]})
    for tables, which in (
        ((some, some.clear()), "current table"),
        ((some.clear(), some), "reference"),
    ):
        compared = compare_tables(*(item.lazy() for item in tables), threshold=0.2)
        found = compared.record
        assert (found.drift, found.drifted) == ({}, [])
        assert found.not_compared == dict.fromkeys("xy", f"The {which} has no rows.")
        assert card_of(found).facts["drifted"] == "nothing was compared"
        assert "<h1>Nothing was compared</h1>" in html_of(compared, reference="a", current="b")


def test_a_column_whose_name_is_a_pattern_is_compared_as_any_other() -> None:
    odd = ["steady", "*", "^s.*$"]
    before = pl.DataFrame(np.random.default_rng(0).normal(size=(500, 3)), schema=odd)
    now = pl.DataFrame([series + 9 for series in before[odd[1:]]]).insert_column(
        0, before["steady"]
    )
    found = compare_tables(before.lazy(), now.lazy(), threshold=0.2).record
    assert (sorted(found.drifted), found.not_compared) == (odd[1:], {})
    assert found.drift["steady"].psi == 0
    assert found.drift["*"].wasserstein == pytest.approx(9)


def test_a_table_of_many_columns_is_read_in_few_passes_and_a_broken_column_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes = []
    collect = pl.LazyFrame.collect

    def counted(self: pl.LazyFrame, **how: Any) -> Any:
        passes.append(self)
        return collect(self, **how)

    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    wide = pl.DataFrame({f"c{number}": [1.0, 2.0] for number in range(50)}).lazy()
    found = compare_tables(wide, wide, threshold=0.2).record
    assert len(found.drift) == 50
    assert len(passes) == 4  # of each table the rows, and all columns
    broken = wide.with_columns(c7=pl.format("x{}", "c0").cast(pl.Float64))
    found = compare_tables(wide, broken, threshold=0.2).record
    assert len(found.drift) == 49
    assert found.not_compared["c7"].startswith("It cannot be read")


def test_every_level_of_a_category_counts_and_the_bins_stay_few() -> None:
    before = pl.DataFrame({"id": [f"{number}" for number in range(1_000)]})
    now = pl.DataFrame({"id": [f"{number}" for number in range(1_000, 2_000)]})
    compared = compare_tables(before.lazy(), now.lazy(), threshold=0.2)
    assert compared.record.drift["id"].js == pytest.approx(1)
    assert len(compared.features[0].edges) == 20
    assert sum(compared.features[0].window) == pytest.approx(1)


class Read(HTMLParser):
    """Elements of a page and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_one_bounded_file_in_which_names_are_text(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hostile = "<script>alert(1)</script>\"'&"
    frame = pl.DataFrame({f"{number}": [1.0, 2.0] for number in range(500)}).with_columns(
        pl.Series(hostile, [f"{hostile}1", f"{hostile}2"]), pl.Series(f"{hostile}2", [[1], [2]])
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.with_columns(pl.Series(hostile, ["p", "q"])).write_parquet(tmp_path / "b.parquet")
    code, _ = compare(
        capfd, tmp_path / "a.parquet", tmp_path / "b.parquet", "--report", tmp_path / "r.html"
    )
    assert code == 0
    text = (tmp_path / "r.html").read_text()
    page = Read()
    page.feed(text)
    assert len(text) < 1_000_000
    assert "script" not in page.elements
    assert not {name for name in page.attributes if name.startswith("on") or name == "href"}
    assert hostile in page.text
    assert "301 others are not" in page.text
    assert f"{hostile}2: Columns of type List(Int64) are not compared." in page.text


def test_what_is_no_table_is_refused_with_what_can_be_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good, broken, other = (tmp_path / name for name in ("a.parquet", "b.parquet", "c.xlsx"))
    pl.DataFrame({"x": [1]}).write_parquet(good)
    broken.write_bytes(b"PAR1 but nothing else")
    other.write_bytes(b"?")
    for words, code in (
        ((good, broken), "unprocessable"),
        ((good, other), "bad_request"),
        ((tmp_path / "no.parquet", good), "not_found"),
    ):
        exit_code, found = compare(capfd, *words)
        assert exit_code != 0
        assert found["error"]["code"] == code
        assert found["error"]["fix"]


def test_datasets_are_compared_by_name_and_snapshot(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    catalog = Catalog(project)
    for number in (1, 2):
        file = project.root / f"{number}.parquet"
        pl.DataFrame({"amount": np.arange(100.0) * number}).write_parquet(file)
        catalog.ingest([file], into="shop.orders")
    first = catalog.dataset("shop.orders").snapshots()[-1].id
    code, found = compare(capfd, f"shop.orders@{first}", "shop.orders")
    assert code == 0
    assert found["rows"] == {"reference": 100, "current": 200}
    assert found["drift"]["amount"]["ks"] == pytest.approx(0.25, abs=0.01)
