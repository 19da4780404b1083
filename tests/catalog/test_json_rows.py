"""JSON whose rows are a list within an object, as APIs, GeoJSON and Elasticsearch give it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, TooLarge, Unprocessable

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("path", "wrap"),
    [
        ("records", lambda rows: {"total": 2, "at": "2024-01-01", "records": rows, "next": None}),
        (
            "features",
            lambda rows: {"type": "FeatureCollection", "crs": {"x": [1]}, "features": rows},
        ),
        ("hits.hits", lambda rows: {"took": 3, "hits": {"total": {"value": 2}, "hits": rows}}),
        ("a.b.c", lambda rows: {"a.b": {"c": rows}, "a": {"z": [{"q": 1}]}}),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_field_is_named_and_its_list_is_the_rows(
    catalog: Catalog,
    file: Callable[..., Path],
    rows: Rows,
    path: str,
    wrap: Any,
    indent: int | None,
) -> None:
    wanted = [
        {"id": 12345678901234567890123, "t": {"a": "x\ny", "l": [1, 2]}},
        {"id": 2, "t": {"a": "}]", "l": []}},
        {"id": 3, "t": None},
    ]
    dump = file("dump.json", json.dumps(wrap(wanted), indent=indent))
    [doubt] = catalog.inspect([dump]).doubts
    assert (doubt.option, doubt.stops) == ("rows", False)
    assert f"field {path!r} is a list of objects" in doubt.what
    assert f"--rows {path} (in Python rows={path!r})" in doubt.fix
    report = catalog.ingest([dump], into="t.one", dry_run=True)
    assert report.rows_written == 1
    assert path in " ".join(report.notes)
    assert catalog.inspect([dump], rows="").doubts == []
    told = catalog.inspect([dump], rows=path)
    assert (told.doubts, told.rows) == ([], 3)
    report = catalog.ingest([dump], into="t.a", rows=path, types={"id": "str"})
    assert (report.rows_written, report.notes) == (3, [])
    found = rows("t.a")
    assert [row["t"] for row in found] == [row["t"] for row in wanted]
    catalog.register(dump, name="lake.a", rows=path, types={"id": "str"})
    assert catalog.dataset("lake.a").scan().collect().to_dicts() == found


def test_pages_follow_one_another_and_bad_rows_go_to_quarantine_with_their_place(
    catalog: Catalog, file: Callable[..., Path], rows: Rows
) -> None:
    pages = [
        {"records": [{"n": n} for n in range(start, start + 50)], "big": [[1] * 9] * 9}
        for start in (0, 50, 100)
    ]
    text = "\n".join(map(json.dumps, pages))
    text = text.replace('{"n": 7}', "null").replace('{"n": 60}', '{"n": 6 0}')
    text = text.replace('{"n": 101}', '{"n": 1, "n": 2}').replace('{"n": 110}', '{"n": [1]}')
    report = catalog.ingest(
        [file("pages.json", text + '\n{"records": null}')], into="t.a", rows="records"
    )
    assert report.rows_written == 146
    assert report.quarantine is not None
    bad = catalog.dataset(report.quarantine).scan().collect()
    assert bad["line"].to_list() == [8, 61, 102, 111]
    reasons = ("not a JSON object", "not JSON", "'n' is there twice", r"[1] in field 'n'")
    for reason, word in zip(bad["reason"], reasons, strict=True):
        assert word in reason
    assert sorted(row["n"] for row in rows("t.a"))[-1] == 149
    # in an array they are pages too
    array = file("array.json", json.dumps(pages, indent=1))
    assert catalog.ingest([array], into="t.b", rows="records").rows_written == 150


def test_what_has_no_such_list_or_is_cut_off_is_refused(
    catalog: Catalog, file: Callable[..., Path]
) -> None:
    whole = json.dumps({"total": 2, "records": [{"n": 1}, {"n": 2}], "meta": {"x": 1}})
    for text, path, words in (
        (whole, "items", r"no list 'items'.*total, records, meta"),
        (whole, "meta.x", r"no list 'meta\.x'"),
        (whole[:-30], "records", "is not JSON"),
        ('{"records": [{"n": 1} x]}', "records", "is not JSON"),
        ("[1]", "records", r"has a value without a list 'records'\. 1 is no object"),
        (f"[{whole}", "records", "ends within an array"),
        (f"[{whole}] 1", "records", "something follows the array"),
        (f"[{whole}]", "items", r"no list 'items'.*total, records, meta"),
    ):
        with pytest.raises(Unprocessable, match=words):
            catalog.ingest([file("a.json", text)], into="t.a", rows=path)
    with pytest.raises(BadRequest, match=r"takes --rows.*for JSON; this is CSV"):
        catalog.ingest([file("a.csv", "n\n1\n")], into="t.a", rows="records")


def test_a_large_object_stops_until_it_is_said_what_its_rows_are(
    catalog: Catalog, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {"records": [{"id": n, "word": "w" * 90} for n in range(4000)]}
    path = file("large.json", json.dumps(large))
    doubts = {doubt.option: doubt.stops for doubt in catalog.inspect([path]).doubts}
    assert doubts["rows"]
    for ask in (
        lambda: catalog.ingest([path], into="t.a"),
        lambda: catalog.register(path, name="lake.a"),
    ):
        with pytest.raises(Unprocessable, match=r"field 'records'.*--rows records.*--rows none"):
            ask()
    assert catalog.ingest([path], into="t.a", rows="none").rows_written == 1
    assert catalog.ingest([path], into="t.b", rows="records").rows_written == 4000
    lines = file("lines.jsonl", f"{json.dumps(large)}\n{json.dumps(large)}\n")
    assert catalog.ingest([lines], into="t.c").notes == []


PEAK = """
import re, sys
from pathlib import Path
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
catalog = Catalog(Project.open(Path(sys.argv[1])))
report = catalog.ingest([sys.argv[2]], into="t.a", rows=sys.argv[3] or None)
# ru_maxrss begins with what the process that started this one had.
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(report.rows_written, int(peak) >> 10)
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", ["records", ""])
def test_a_large_dump_is_never_in_memory_as_a_whole(
    project: Any, tmp_path: Path, path: str
) -> None:
    """200 MB, as an object around the rows and as one array, in at most 700 MB."""
    dump = tmp_path / "dump.json"
    with dump.open("w") as out:
        out.write('{"total": 1, "records": [' if path else "[")
        for number in range(1_000_000):
            row = {"id": number, "name": f"user {number}", "x": number / 7, "note": "n" * 140}
            out.write((", " if number else "") + json.dumps(row))
        out.write("]}" if path else "]")
    assert dump.stat().st_size > 200_000_000
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(project.root), str(dump), path],
        capture_output=True,
        text=True,
        check=True,
    )
    written, peak = map(int, done.stdout.split())
    assert written == 1_000_000
    assert peak < 700


@pytest.mark.parametrize("levels", [62, 500, 900, 5000])
def test_an_object_that_is_nested_too_deep_is_a_row_in_quarantine(catalog, file, levels):
    """A library that reads it ends the process, with the server in it."""
    deep = '{"a":' * levels + "1" + "}" * levels
    path = file("a.jsonl", "\n".join([deep, *['{"id": 1}'] * 20]))
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, report.quarantined) == (20, 1)
    why = "field 'a' has over 60 levels.*--schema a=str" if levels < 1000 else "depth limit"
    assert re.search(f"line 1 of a.jsonl: .*{why}", report.summary)
    with pytest.raises(Unprocessable, match=why):
        catalog.ingest([file("b.jsonl", deep)], into="t.b")


def test_what_is_nested_deep_is_kept_as_text_or_as_it_is(catalog, file):
    path = file("a.jsonl", '{"a":' * 200 + "1" + "}" * 200)
    assert catalog.ingest([path], into="t.a", types={"a": "str"}).quarantined == 0
    assert catalog.dataset("t.a").scan().collect()["a"][0].count('"a"') == 199
    catalog.ingest([file("b.jsonl", '{"b":' + "[" * 60 + "1" + "]" * 60 + "}")], into="t.b")
    assert catalog.preview("t.b").total == 1


INNER = {f"f{n}": n for n in range(40)}
WIDE = {f"k{n}": INNER if n == 50 else n for n in range(100)}


def test_wide_objects_keep_the_order_of_their_fields(
    catalog: Catalog, file: Callable[..., Path], rows: Rows
) -> None:
    text = "".join(f"{json.dumps({**WIDE, 'k0': n})}\n" for n in range(3))
    catalog.ingest([file("a.jsonl", text)], into="t.a")
    assert [column.name for column in catalog.show("t.a").schema] == list(WIDE)
    found = rows("t.a")
    assert [list(row["k50"]) for row in found] == [list(INNER)] * 3
    assert found == [{**WIDE, "k0": n} for n in range(3)]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "list"])
def test_a_table_that_is_one_object_is_told_with_the_code_that_reads_it(
    catalog: Catalog, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, orient: Any
) -> None:
    frame = pandas.DataFrame({"id": [1, 2, 3], "name": ["a", "b", None]})
    if orient == "list":
        text = json.dumps(frame.astype(object).where(frame.notna(), None).to_dict("list"))
    else:
        text = frame.to_json(orient=orient)
    path = file("pd.json", text)
    [doubt] = catalog.inspect([path]).doubts
    assert (doubt.option, doubt.stops) == ("rows", False)
    assert "pd.json is one object, and comes in as 1 row." in doubt.what
    monkeypatch.chdir(path.parent)
    code = doubt.fix.removeprefix("For its rows write ml.write(").removesuffix(
        ", into='NS.TABLE')."
    )
    read = eval(code, {"pandas": pandas})
    assert read.to_numpy(object, na_value=None).tolist() == [[1, "a"], [2, "b"], [3, None]]
    assert catalog.ingest([path], into="t.a").rows_written == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"x": 1, "y": 2}, "b": {"x": 1, "z": 2}}',
        '{"a": [1, 2], "b": [1]}',
        '{"a": {"x": 1, "y": 2}, "b": 1}',
        '{"a": {"0": 1}, "b": {"0": 1}}',
        '{"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}}\n' * 2,
        '{"columns": 3, "data": 4}',
    ],
)
def test_other_objects_are_no_tables(
    catalog: Catalog, file: Callable[..., Path], text: str
) -> None:
    assert catalog.inspect([file("a.json", text)]).doubts == []


def test_of_very_many_names_pandas_is_named(catalog: Catalog, file: Callable[..., Path]) -> None:
    text = pandas.DataFrame({"a": range(6000)}).to_json()
    with pytest.raises(TooLarge, match=r"ml\.write\(pandas\.read_json\('a\.json'\)"):
        catalog.ingest([file("a.json", text)], into="t.a")
