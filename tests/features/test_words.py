"""The words and shapes that scripts rely on, typed as a user types them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project

from .conftest import T0

NOW = T0 + timedelta(hours=25)


def some(answer: Any, *names: str, **facts: Any) -> None:
    """The answer has these facts, and names for others."""
    assert {name: answer[name] for name in facts} == facts
    assert not set(names) - answer.keys()


def test_each_verb_of_features_answers_in_its_shape(
    applied_shop: Project,
    run_line: Callable[..., tuple[int, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = applied_shop.root
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", NOW.isoformat())
    monkeypatch.chdir(root)

    def typed(line: str, expected: int = 0) -> Any:
        code, answer = run_line(*shlex.split(f"features {line}"))
        assert code == expected, (line, answer)
        return answer

    listed = typed("list --view clicks")
    clicks_7d, rate = listed["items"]
    some(listed, shown=2, total=2, cursor=None)
    some(clicks_7d, ref="feature:clicks:clicks_7d", name="clicks_7d", view="clicks", used_by=[])
    some(rate, "type", "fill", name="rate", description="")
    views = {view["name"]: view for view in typed("views")["items"]}
    some(views["spend"], ref="view:spend", entities=["user", "item"], features=2, kind="batch")
    users = typed("entities --query user")["items"]
    some(users[0], name="user", key="user_id", type="i64", views=["clicks", "spend"])
    hits = {hit["ref"] for hit in typed("search clicks")["items"]}
    assert {"view:clicks", "feature:clicks:clicks_7d"} <= hits
    shown = typed("show clicks")
    some(shown["view"], name="clicks", entities=["user"], owner="ana", tags={"team": "growth"})
    some(shown["view"], ttl_seconds=30 * 3600, online=True, freshness="never", online_at=None)
    some(shown, "code", join_keys=["user_id"], timestamp_column="at", created_column="made")
    assert [feature["name"] for feature in shown["features"]] == ["clicks_7d", "rate"]

    (done,) = typed("materialize clicks")
    some(done, "start", "end", "seconds", view="clicks", rows=10, parts=1)
    report = typed("check clicks")
    some(report, view="clicks", sampled=10, compared=20, different=0, missing_online=0)
    some(report, "until", "rate", "upper", passed=True)
    some(report["features"]["rate"], compared=10, different=0, only_online=0, example="")

    row = {"user_id": 7, "at": NOW.isoformat(), "made": NOW.isoformat(), "rate": None}
    old = {"user_id": 20, "at": (NOW - timedelta(days=2)).isoformat(), "rate": 0.5}
    events = [row | {"clicks_7d": 5} | other for other in ({}, {"user_id": "x"}, old)]
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, events)))
    pushed = typed("push clicks rows.jsonl")
    some(pushed, source="clicks", views=["clicks"], rows=2, to="online", older=0, rejected_rows=1)
    some(pushed["rejected"][0], "why", row=2, column="user_id")
    one = typed("online clicks --key user_id=7")
    some(one, entity={"user_id": 7}, values={"clicks:clicks_7d": 5, "clicks:rate": None})
    some(one, "event_at", status={"clicks:clicks_7d": "PRESENT", "clicks:rate": "NULL"})
    two = typed("online clicks:rate --key user_id=3 --key user_id=77")
    assert [item["entity"] for item in two] == [{"user_id": 3}, {"user_id": 77}]
    assert [item["values"] for item in two] == [{"clicks:rate": 0.3}, {"clicks:rate": None}]
    assert [item["status"]["clicks:rate"] for item in two] == ["PRESENT", "NOT_FOUND"]
    late = typed("online clicks:rate --key user_id=20")
    some(late, values={"clicks:rate": None}, status={"clicks:rate": "EXPIRED"})

    told = typed("explain clicks --key user_id=3 --at 2026-03-01T12:00")
    some(told, view="clicks", entity={"user_id": 3}, ttl_seconds=30 * 3600, shown=2, total=2)
    some(told, at="2026-03-01T12:00:00Z", known_only=False, verdicts={"taken": 1, "later": 1})
    some(told["taken"], values={"clicks_7d": 3, "rate": 0.3}, verdict="taken")
    some(told["taken"], event_at="2026-03-01T00:00:00Z", created_at="2026-03-01T00:00:00Z")
    assert [row["verdict"] for row in told["rows"]] == ["taken", "later"]
    assert all(row["why"] for row in told["rows"])

    (root / "asked.csv").write_text("user_id,event_timestamp\n3,2026-03-01T12:00:00Z\n")
    asked = "--features clicks:rate,clicks:clicks_7d --entities asked.csv"
    stored = typed(f"snapshot ml.train {asked}")
    some(stored, "snapshot", "sources", "rebuild", dataset="ml.train", rows=1)
    some(stored, features=["clicks:rate", "clicks:clicks_7d"], at="event_timestamp")
    again = typed("snapshot ml.train --compare")
    some(again, same=True, rows=1, compared=2, different=0, changed=[], newest=False)
    assert "train" in typed("use clicks:rate")["python"]

    known = typed("statistics clicks")
    some(known, "training", "no_drift", view="clicks", ttl_seconds=30 * 3600)
    some(known["rows"], value=20, basis="exact")
    some(known["skew"], different=0, passed=True)
    figures = {item["name"]: item for item in known["features"]}
    some(figures["rate"], "newest", "freshness", "drift")
    some(figures["rate"]["fill"], value=0.9, basis="exact")
    assert known["profile"]["columns"]["rate"]["max"] == 0.9
    edges = typed("lineage clicks")["items"]
    assert "view:clicks" in {edge["output"] for edge in edges}, edges
    (use,) = typed("uses clicks")["items"]
    some(use, "ref", "at", "name", kind="dataset", aliases=[], features=["clicks_7d", "rate"])
    (root / "feature_repo" / "data" / "clicks.parquet").write_bytes(b"")
    gone = typed("explain clicks --key user_id=3", expected=1)["error"]
    some(gone, "code", "what", "why", "fix")
