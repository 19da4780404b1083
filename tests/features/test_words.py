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


def some(answer: Any, **facts: Any) -> None:
    """The answer has these facts."""
    assert {name: answer[name] for name in facts} == facts


def test_each_verb_of_features_answers_in_its_shape(
    applied_shop: Project,
    run_line: Callable[..., tuple[int, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = applied_shop.root
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", NOW.isoformat())
    monkeypatch.chdir(root)

    def typed(line: str) -> Any:
        code, answer = run_line(*shlex.split(f"features {line}"))
        assert code == 0, (line, answer)
        return answer

    clicks_7d, rate = typed("list --view clicks")["items"]
    some(clicks_7d, ref="feature:clicks:clicks_7d", name="clicks_7d", view="clicks", used_by=[])
    some(rate, name="rate", description="")
    assert {"type", "fill"} <= rate.keys()
    hits = {hit["ref"] for hit in typed("search clicks")["items"]}
    assert {"view:clicks", "feature:clicks:clicks_7d"} <= hits
    shown = typed("show clicks")
    some(shown["view"], name="clicks", entities=["user"], owner="ana", tags={"team": "growth"})
    some(shown["view"], ttl_seconds=30 * 3600, online=True, freshness="never", online_at=None)
    some(shown, join_keys=["user_id"], timestamp_column="at", created_column="made")
    assert [feature["name"] for feature in shown["features"]] == ["clicks_7d", "rate"]

    (done,) = typed("materialize clicks")
    some(done, view="clicks", rows=10, parts=1)
    assert {"start", "end", "seconds"} <= done.keys()
    report = typed("check clicks")
    some(report, view="clicks", sampled=10, compared=20, different=0, missing_online=0, passed=True)
    some(report["features"]["rate"], compared=10, different=0, only_online=0, example="")

    row = {"user_id": 7, "at": NOW.isoformat(), "made": NOW.isoformat(), "rate": None}
    events = [row | {"clicks_7d": 5}, row | {"clicks_7d": 5, "user_id": "x"}]
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, events)))
    pushed = typed("push clicks rows.jsonl")
    some(pushed, source="clicks", views=["clicks"], rows=1, to="online", older=0, rejected_rows=1)
    some(pushed["rejected"][0], row=2, column="user_id")
    one = typed("online clicks --key user_id=7")
    some(one, entity={"user_id": "7"}, values={"clicks:clicks_7d": 5, "clicks:rate": None})
    some(one, status={"clicks:clicks_7d": "PRESENT", "clicks:rate": "NULL"})
    two = typed("online clicks:rate --key user_id=3 --key user_id=77")
    assert [item["values"] for item in two] == [{"clicks:rate": 0.3}, {"clicks:rate": None}]
    assert [item["status"]["clicks:rate"] for item in two] == ["PRESENT", "NOT_FOUND"]

    told = typed("explain clicks --key user_id=3 --at 2026-03-01T12:00")
    some(told, view="clicks", entity={"user_id": 3}, ttl_seconds=30 * 3600, shown=2, total=2)
    some(told["taken"], values={"clicks_7d": 3, "rate": 0.3}, verdict="taken")
    assert [row["verdict"] for row in told["rows"]] == ["taken", "later"]
    assert all(row["why"] for row in told["rows"])

    (root / "asked.csv").write_text("user_id,event_timestamp\n3,2026-03-01T12:00:00Z\n")
    asked = "--features clicks:rate,clicks:clicks_7d --entities asked.csv"
    stored = typed(f"snapshot ml.train {asked}")
    some(stored, rows=1, features=["clicks:rate", "clicks:clicks_7d"])
    some(typed("snapshot ml.train --compare"), same=True, compared=2, different=0)
