from __future__ import annotations

import contextlib
import sqlite3
import string
import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.experiments.facts import RunFacts
from jupyter_mlinfra.experiments.matching import matches
from jupyter_mlinfra.experiments.query import Field, Sort, is_like, parse_filter, parse_sort

RUN = RunFacts(
    id="9c1e",
    name="depth 8",
    experiment="churn",
    status="finished",
    user="ana",
    started=1_764_000_000_000,
    ended=1_764_000_090_000,
    metrics={"auc": 0.92, "val/loss": 0.1, "nan": float("nan")},
    params={"depth": "8", "model": "tree's"},
    tags={"k": "x", "mlinfra.job": "7f3a"},
    datasets=["dataset:a.b@1", "dataset:c.d@2"],
)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("metrics.auc > 0.9", True),
        ("metrics.auc > 0.92", False),
        ("metrics.auc>=.92 and metrics.`val/loss` < 1e-0", True),
        ("metrics.val/loss = 0.1", True),
        ("metrics.auc > 0.9 and params.depth = '6' or tags.k = 'x'", True),
        ("metrics.auc > 0.9 and (params.depth = '6' or tags.k = 'y')", False),
        ("not (metrics.auc > 0.9)", False),
        ("NOT metrics.auc < 0.9 AND tags.k LIKE 'x%'", True),
        ("params.model = 'tree''s'", True),
        ('params.model = "tree\'s"', True),
        ("params.depth = 8.0", True),
        ("params.depth > 10", False),
        ("params.depth > '10'", True),  # as text, 8 comes after 10
        ("params.model > 0", False),
        ("params.depth in (4, 8)", True),
        ("params.depth not in ('8', '9')", False),
        ("metrics.missing < 1", False),
        ("metrics.missing != 1", False),
        ("not metrics.missing = 1", True),
        ("metrics.missing is null", True),
        ("metrics.auc is not null", True),
        ("metrics.nan < 1 or metrics.nan >= 1 or metrics.nan != 1", False),
        ("metrics.nan is null", False),
        ("status = 'FINISHED' and user = 'ana'", True),
        ("duration = 90", True),
        ("started >= '2025-11-24' and started < '2025-11-25T00:00:00+00:00'", True),
        ("job = '7f3a' and step is null", True),
        ("dataset = 'dataset:c.d@2'", True),
        ("dataset like 'dataset:a.%'", True),
        ("name ilike 'DEPTH _'", True),
        ("name like 'DEPTH%'", False),
    ],
)
def test_a_filter_means_what_it_says(text, passes):
    assert matches(parse_filter(text), RUN) is passes


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        ("metrics.auc >", 13, "number or a text"),
        ("metrics.auc >> 1", 13, "number or a text"),
        ("auc > 0.9", 0, "metrics.auc"),
        ("metrics.auc = 'high'", 14, "is a number"),
        ("metrics.auc like '0.9%'", 17, "is a number"),
        ("params.depth = six", 15, "'six'"),
        ("params.depth = '6", 15, "no end"),
        ("(metrics.auc > 1", 16, "not closed"),
        ("metrics.auc > 1 tags.k = 'x'", 16, "not expected"),
        ("metrics.auc is 3", 15, "null"),
        ("status = 'done'", 9, "no status"),
        ("started > 'soon'", 10, "not a time"),
        ("duration > '5'", 11, "seconds"),
        ("metrics.auc > 1; drop table runs", 15, "';'"),
        ("params.a in ()", 13, "number or a text"),
        ("and", 0, "not a field"),
    ],
)
def test_the_caret_stands_below_the_fault(text, at, word):
    with pytest.raises(BadRequest) as caught:
        parse_filter(text)
    why, line, caret = caught.value.why.split("\n")
    assert line == text
    assert caret == " " * at + "^"
    assert word in why + caught.value.fix


def test_like_means_what_it_does_in_sqlite():
    texts = ["".join(letters) for length in range(5) for letters in product("ab\n", repeat=length)]
    patterns = [
        "".join(letters) for length in range(6) for letters in product("ab%_", repeat=length)
    ]
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA case_sensitive_like = 1")
        connection.execute("CREATE TABLE texts (text TEXT)")
        connection.executemany("INSERT INTO texts VALUES (?)", [(text,) for text in texts])
        for pattern in patterns:
            told = {
                text
                for (text,) in connection.execute(
                    "SELECT text FROM texts WHERE text LIKE ?", (pattern,)
                )
            }
            assert {text for text in texts if is_like(pattern, False, text)} == told, pattern


def test_no_pattern_keeps_the_server_busy():
    """Tried in a process of its own: one that backtracks would not come back."""
    code = (
        "from jupyter_mlinfra.experiments.query import is_like; print(is_like('%a' * 200 + '%b',"
        " False, 'a' * 8000))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert process.stdout == "False\n"
    with pytest.raises(BadRequest, match="501 characters"):
        parse_filter(f"name like '{'x' * 501}'")


def test_a_filter_that_would_break_sqlite_is_refused_before():
    with pytest.raises(BadRequest, match="nested"):
        parse_filter("(" * 500 + "metrics.a = 1" + ")" * 500)
    with pytest.raises(BadRequest, match="More than"):
        parse_filter(" and ".join(["metrics.a = 1"] * 100))
    with pytest.raises(BadRequest, match="too long"):
        parse_filter("x" * 5000)


@given(st.text(alphabet=string.printable + "é√'\"`", max_size=40))
def test_any_text_is_a_filter_or_a_bad_request(text):
    why = "^"
    try:
        matches(parse_filter(text), RUN)
    except BadRequest as error:
        why = error.why
    assert "^" in why


AUC, STARTED = Field("metric", "auc"), Field("attribute", "started")


@pytest.mark.parametrize(
    ("text", "sorts"),
    [
        ("-started", [Sort(STARTED, True)]),
        ("metrics.auc", [Sort(AUC, False)]),
        ("-auc", [Sort(AUC, True)]),
        ("params.`learning rate`", [Sort(Field("param", "learning rate"), False)]),
        ("-metrics.val.loss", [Sort(Field("metric", "val.loss"), True)]),
        ("metrics.auc DESC", [Sort(AUC, True)]),
        ("metrics.auc asc", [Sort(AUC, False)]),
        ("val loss desc", [Sort(Field("metric", "val loss"), True)]),
        ("metrics.`x DESC`", [Sort(Field("metric", "x DESC"), False)]),
        ("attributes.start_time DESC", [Sort(STARTED, True)]),
        ("start_time DESC", [Sort(STARTED, True)]),
        ("parameters.depth", [Sort(Field("param", "depth"), False)]),
        ('tags."mlflow.user" DESC', [Sort(Field("tag", "mlflow.user"), True)]),
        (
            "-metrics.auc, params.`a, b`,started",
            [Sort(AUC, True), Sort(Field("param", "a, b"), False), Sort(STARTED, False)],
        ),
    ],
)
def test_a_sort_order_names_its_fields_in_our_words_or_in_mlflows(text, sorts):
    assert list(parse_sort(text)) == sorts


def test_a_filter_takes_mlflows_words_for_attributes():
    assert parse_filter(
        "attributes.start_time > 1500 and run_name = 'a' and tags.\"mlflow.user\" = 'b'"
    ) == parse_filter(
        "started > '1970-01-01T00:00:01.500' and name = 'a' and tags.mlflow.user = 'b'"
    )


def test_a_sort_order_that_names_nothing_is_refused():
    for text in (
        "",
        "-",
        "dataset",
        "auc,",
        ",auc",
        "auc,,loss",
        "-auc DESC",
        "attributes.colour",
        "auc, metrics.auc",
        "a,b,c,d,e,f",
    ):
        with pytest.raises(BadRequest):
            parse_sort(text)
