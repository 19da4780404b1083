"""A file that was never seen before, from the look at it to the rows, over REST and with a real
catalog.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlinfra.cli.app import main, run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.project import Project

TEXT = "Verkauf 2024;;\nDatum;Kunde;Umsatz (€)\n" + "".join(
    f"{day:02d}.01.2024;Müller {day};1.{day:03d},50\n" for day in range(1, 29)
)


async def test_what_was_looked_at_and_settled_is_what_comes_in(
    project: Project, ask: Callable[..., Any]
) -> None:
    (project.root / "verkauf.csv").write_bytes(TEXT.encode("cp1252"))
    asked = {"files": ["verkauf.csv"], "into": "data.verkauf"}
    seen = (await ask("catalog/inspect", asked)).value
    assert {(doubt["option"], doubt["stops"]) for doubt in seen["doubts"]} == {
        ("encoding", True),
        ("skip", True),
    }
    (found,) = seen["files"]
    assert (found["encoding"], found["separator"], found["skip"], found["header"]) == (
        "cp1252",
        ";",
        1,
        True,
    )
    assert [(column["name"], column["type"]) for column in seen["columns"]] == [
        ("Datum", "date"),
        ("Kunde", "str"),
        ("Umsatz (€)", "f64"),
    ]
    assert [values[1] for values in seen["data"]] == ["2024-01-02", "Müller 2", 1002.5]
    words = [
        "catalog",
        "ingest",
        "verkauf.csv",
        "--into",
        "data.verkauf",
        "--encoding",
        found["encoding"],
        "--skip",
        str(found["skip"]),
    ]
    assert run(words, Session(str(project.root))).value.rows_written == 28
    again = (await ask("catalog/inspect", {**asked, "encoding": "cp1252", "skip": 1})).value
    assert (again["exists"], again["doubts"], again["files"][0]["snapshot"] is not None) == (
        True,
        [],
        True,
    )


async def test_a_look_that_fails_says_why_and_what_to_do(
    project: Project, ask: Callable[..., Any]
) -> None:
    (project.root / "a.csv").write_bytes(b"id,x\n1,Jos\xe9\n")
    answer = await ask("catalog/inspect", {"files": ["a.csv"], "encoding": "utf-8"})
    assert (answer.code, answer.value["error"]) == (422, "unprocessable")
    assert "--encoding cp1252" in answer.value["fix"]
    for wrong in (
        {"encoding": "klingon"},
        {"time_zone": "Mars/X"},
        {"date_format": "%d"},
        {"types": {"x": "number"}},
        {"types": {"nope": "str"}},
    ):
        answer = await ask("catalog/inspect", {"files": ["a.csv"], "encoding": "cp1252", **wrong})
        assert answer.code == 400, wrong
        assert answer.value["fix"], wrong


def test_the_reason_of_a_job_that_fails_ends_with_the_fix(
    project: Project, tmp_path: Any, monkeypatch: Any
) -> None:
    """A panel shows this line and nothing else of the command line."""
    (project.root / "a.csv").write_bytes("Umsatz €\n5\n".encode("cp1252"))
    monkeypatch.setenv("MLINFRA_REASON", str(tmp_path / "reason"))
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "--project",
                str(project.root),
                "catalog",
                "ingest",
                str(project.root / "a.csv"),
                "--into",
                "a.b",
            ]
        )
    assert ended.value.code == 1
    assert "--encoding cp1252" in (tmp_path / "reason").read_text()
