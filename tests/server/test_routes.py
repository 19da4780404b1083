"""What each route asks of the workbench, and that what it answers is what the OpenAPI document
promises.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import jsonschema
import pytest

from jupyter_mlinfra.catalog.grid.spec import Aggregate, Filter, GridQuery, Group, Sort
from jupyter_mlinfra.cli.app import run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.domains import domains
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.viewer import Viewer
from jupyter_mlinfra.deployments import DeliverySpec, ManifestOptions
from jupyter_mlinfra.server.openapi import document
from tests.server.noted import Noted, answer_of

DOMAINS = [item.name for item in domains()]
PAGE = {"limit": 50, "cursor": None}
TABLES = {"domains": DOMAINS}
JOB: dict[str, Any] = {
    "notebook": "a.ipynb",
    "parameters": {"n": 1},
    "name": "night",
    "gpus": 1,
    "cpus": 2,
    "priority": 60,
    "labels": {"run": "7"},
}
# request, body, and the call it makes: domain, verb, arguments
CALLS: list[tuple[str, Any, str, str, dict[str, Any]]] = [
    ("catalog/datasets", None, "catalog", "list", {"namespace": None} | PAGE | TABLES),
    (
        "catalog/datasets?namespace=flights&limit=7&cursor=14",
        None,
        "catalog",
        "list",
        {"namespace": "flights", "limit": 7, "cursor": "14"} | TABLES,
    ),
    ("catalog/datasets/flights.planes", None, "catalog", "show", {"name": "flights.planes"}),
    (
        "catalog/datasets/f.p/rows?start=200&count=50&columns=tail,%20year&snapshot=47",
        None,
        "catalog",
        "preview",
        {
            "name": "f.p",
            "start": 200,
            "count": 50,
            "columns": ["tail", "year"],
            "snapshot": "47",
            "reveal": False,
        },
    ),
    (
        "catalog/datasets/f.p/profile?tier=exact",
        None,
        "catalog",
        "profile",
        {"name": "f.p", "tier": "exact", "reveal": False},
    ),
    (
        "catalog/sql",
        {"query": "SELECT $x", "parameters": {"x": 1}, "limit": 7},
        "catalog",
        "answer",
        {"query": "SELECT $x", "parameters": {"x": 1}, "limit": 7, "reveal": False} | TABLES,
    ),
    ("catalog/audit", None, "catalog", "audit", {"name": None} | PAGE),
    (
        "catalog/audit?name=f.p&limit=7",
        None,
        "catalog",
        "audit",
        {"name": "f.p"} | PAGE | {"limit": 7},
    ),
    (
        "catalog/datasets/f.p/grid",
        {
            "filters": [{"column": "year", "op": "in", "value": [1999, "2004"]}],
            "sort": [{"column": "rows", "descending": True}],
            "by": ["tail"],
            "aggregates": [{"column": "year", "function": "mean"}],
            "start": 500,
            "snapshot": "47",
        },
        "catalog",
        "grid",
        {
            "name": "f.p",
            "query": GridQuery(
                filters=(Filter(column="year", op="in", value=[1999, "2004"]),),
                sort=(Sort(column="rows", descending=True),),
                group=Group(by=("tail",), aggregates=(Aggregate(column="year", function="mean"),)),
            ),
            "start": 500,
            "count": 100,
            "snapshot": "47",
            "reveal": False,
        },
    ),
    (
        "catalog/datasets/f.p/shape",
        {"column": "year", "filters": [{"column": "tail", "op": "null", "value": None}]},
        "catalog",
        "grid_shape",
        {
            "name": "f.p",
            "query": GridQuery(filters=(Filter(column="tail", op="null"),)),
            "column": "year",
            "snapshot": None,
            "reveal": False,
        },
    ),
    ("catalog/datasets/f.p/snapshots", None, "catalog", "snapshots", {"name": "f.p"} | PAGE),
    (
        "catalog/datasets/f.p/diff?before=1&after=gold&key=id,day",
        None,
        "catalog",
        "diff",
        {
            "name": "f.p",
            "before": "1",
            "after": "gold",
            "key": ["id", "day"],
            "examples": 5,
            "reveal": False,
        },
    ),
    (
        "catalog/datasets/f.p/restore",
        {"snapshot": "1"},
        "catalog",
        "restore",
        {"name": "f.p", "snapshot": "1"},
    ),
    (
        "catalog/datasets/f.p/refs",
        {"snapshot": "1", "add": ["gold"]},
        "catalog",
        "tag",
        {"name": "f.p@1", "add": ("gold",), "remove": (), "branch": False},
    ),
    (
        "catalog/datasets/f.p/expiry?older_than=7d&keep=3",
        None,
        "catalog",
        "expire",
        {"name": "f.p", "older_than": timedelta(days=7), "keep": 3},
    ),
    (
        "catalog/datasets/f.p/lineage?column=c",
        None,
        "catalog",
        "lineage",
        {"name": "f.p", "column": "c"},
    ),
    (
        "catalog/datasets/f.p/tags",
        {"add": ["gold"], "remove": ["raw"]},
        "catalog",
        "tag",
        {"name": "f.p", "add": ("gold",), "remove": ("raw",), "reveal": Viewer("rest")},
    ),
    (
        "catalog/datasets/f.p/description",
        {"owner": "ana"},
        "catalog",
        "describe",
        {
            "name": "f.p",
            "owner": "ana",
            "description": None,
            "tags": None,
            "reveal": Viewer("rest"),
        },
    ),
    (
        "catalog/datasets/f.p/columns/a.b",
        {"description": "Of the buyer", "tags": ["pii"]},
        "catalog",
        "describe",
        {
            "name": "column:f.p.a%2Eb",
            "description": "Of the buyer",
            "tags": ("pii",),
            "reveal": Viewer("rest"),
        },
    ),
    (
        "catalog/datasets/f.p/quality",
        None,
        "catalog",
        "rules",
        {"name": "f.p", "reveal": Viewer("rest")},
    ),
    (
        "catalog/datasets/f.p/quality/results?rule=id%20unique&limit=5",
        None,
        "catalog",
        "results",
        {
            "name": "f.p",
            "rule": "id unique",
            "limit": 5,
            "cursor": None,
            "reveal": Viewer("rest"),
        },
    ),
    ("catalog/namespaces", None, "catalog", "namespaces", PAGE | TABLES),
    ("catalog/datasets/f.p/care", None, "catalog", "care", {"name": "f.p"}),
    (
        "catalog/datasets/f.p/compact",
        None,
        "catalog",
        "compact",
        {"name": "f.p", "really": False},
    ),
    (
        "catalog/datasets/f.p/clean?older_than=5",
        None,
        "catalog",
        "clean",
        {"name": "f.p", "hours": 5, "really": False},
    ),
    (
        "catalog/datasets/f.p/delete",
        {"force": True},
        "catalog",
        "delete",
        {"name": "f.p", "force": True, "reveal": Viewer(face="rest", user="")},
    ),
    ("catalog/trash", None, "catalog", "trash", PAGE),
    ("catalog/clean", None, "catalog", "clean_all", {"hours": None, "really": False}),
    ("catalog/datasets/f.p/verify", None, "catalog", "verified", {"name": "f.p"}),
    (
        "catalog/datasets/f.p/contract/export",
        {"file": "new.yaml"},
        "catalog",
        "export_contract",
        {"name": "f.p", "file": ANY},
    ),
    (
        "catalog/trash/7/restore",
        {"into": "f.q"},
        "catalog",
        "restore_deleted",
        {"trashed": "7", "into": "f.q"},
    ),
    (
        "features/views?query=wind&kind=label&tag=gold",
        None,
        "features",
        "views",
        {"query": "wind", "kind": "label", "owner": [], "tag": ["gold"]} | PAGE,
    ),
    (
        "features/services?tag=gold",
        None,
        "features",
        "services",
        {"query": None, "tag": ["gold"]} | PAGE,
    ),
    ("features/services/ranking", None, "features", "service", {"name": "ranking"}),
    ("features/saved?query=march", None, "features", "saved_sets", {"query": "march"} | PAGE),
    ("features/saved/march", None, "features", "saved_set", {"name": "march"}),
    ("features/entities", None, "features", "entities", {"query": None} | PAGE),
    ("features/entities/user", None, "features", "entity", {"name": "user"}),
    ("features/views/origin_weather", None, "features", "show", {"view": "origin_weather"}),
    (
        "features/features?view=w&query=temp&owner=ana,bob",
        None,
        "features",
        "list",
        {"view": "w", "query": "temp", "kind": None, "owner": ["ana", "bob"], "tag": []} | PAGE,
    ),
    (
        "features/views/w/explain",
        {"entity": {"origin": "JFK"}, "at": "2013-07-12T18:30:00Z", "known_only": True},
        "features",
        "explain",
        {
            "view": "w",
            "entity": {"origin": "JFK"},
            "at": datetime(2013, 7, 12, 18, 30, tzinfo=UTC),
            "known_only": True,
            "limit": 20,
            "reveal": False,
        },
    ),
    ("features/views/w/statistics", None, "features", "statistics", {"view": "w", "reveal": False}),
    (
        "features/views/w/tags/preview",
        {"add": {"deprecated": "use v"}, "remove": ["old"]},
        "features",
        "tag",
        {"view": "w", "add": {"deprecated": "use v"}, "remove": ["old"], "write": False},
    ),
    (
        "features/views/w/compare?other=w@v1",
        None,
        "features",
        "compare_views",
        {"before": "w", "after": "w@v1"},
    ),
    ("features/views/w/lineage", None, "features", "lineage", {"view": "w"}),
    (
        "features/views/w/uses",
        None,
        "features",
        "uses",
        {"view": "w", "named": ["experiments", "jobs"], "limit": 50, "cursor": None},
    ),
    (
        "features/online",
        {"features": ["w:*"], "entities": [{"origin": "JFK"}]},
        "features",
        "looked_up",
        {"features": ["w:*"], "entities": [{"origin": "JFK"}], "reveal": False, "code": "apart"},
    ),
    (
        "features/push",
        {"name": "events", "rows": [{"user_id": 7}], "to": "both"},
        "features",
        "push",
        {"name": "events", "rows": [{"user_id": 7}], "to": "both"},
    ),
    (
        "jobs/jobs?state=running&label=run%3D7&limit=5",
        None,
        "jobs",
        "list",
        {"state": "running", "label": ("run", "7"), "array": None, "limit": 5, "cursor": None},
    ),
    ("jobs/jobs/7f3a/requeue", {}, "jobs", "requeue", {"job": "7f3a"}),
    ("jobs/jobs/7f3a/restore", {}, "jobs", "restore", {"job": "7f3a"}),
    ("jobs/jobs/7f3a/hold", {}, "jobs", "hold", {"job": "7f3a"}),
    ("jobs/jobs/7f3a/release", {}, "jobs", "release", {"job": "7f3a"}),
    (
        "jobs/jobs/7f3a/priority",
        {"priority": 90},
        "jobs",
        "prioritize",
        {"job": "7f3a", "priority": 90},
    ),
    (
        "jobs/jobs/7f3a/clone",
        {"same_code": True, "needs": {"gpus": 2, "memory_gib": None, "name": "wide"}},
        "jobs",
        "clone",
        {
            "job": "7f3a",
            "same_code": True,
            "changes": {"gpus": 2, "memory_gib": None, "name": "wide"},
        },
    ),
    ("jobs/jobs/7f3a/parameters", None, "jobs", "values", {"job": "7f3a"}),
    ("jobs/backends", None, "jobs", "backends", {}),
    ("jobs/jobs/7f3a/diff?limit=9", None, "jobs", "diff", {"job": "7f3a", "limit": 9}),
    (
        "jobs/jobs/7f3a/log/search?text=Loss%20is&limit=9&cursor=5.2.1",
        None,
        "jobs",
        "search_logs",
        {"job": "7f3a", "text": "Loss is", "limit": 9, "cursor": "5.2.1"},
    ),
    (
        "jobs/preview?notebook=a%2Fb.ipynb&limit=9",
        None,
        "jobs",
        "preview",
        {"notebook": "a/b.ipynb", "limit": 9},
    ),
    ("jobs/jobs/7f3a/attempts", None, "jobs", "attempts", {"job": "7f3a"} | PAGE),
    (
        "jobs/jobs/7f3a/resources?seconds=60",
        None,
        "jobs",
        "resources",
        {"job": "7f3a", "seconds": 60.0},
    ),
    ("jobs/jobs/7f3a/code", None, "jobs", "code", {"job": "7f3a"}),
    ("jobs/queue", None, "jobs", "queue", PAGE),
    ("jobs/jobs/7f3a", None, "jobs", "show", {"job": "7f3a"}),
    (
        "jobs/jobs/7f3a/log?offset=10&limit=20",
        None,
        "jobs",
        "logs",
        {"job": "7f3a", "offset": 10, "limit": 20, "tail": None, "until": None},
    ),
    (
        "jobs/jobs/7f3a/log?tail=9&until=5",
        None,
        "jobs",
        "logs",
        {"job": "7f3a", "offset": 0, "limit": 1_000_000, "tail": 9, "until": 5},
    ),
    ("jobs/jobs/7f3a/cancel", {}, "jobs", "cancel", {"job": "7f3a"}),
    ("jobs/compute?backend=slurm", None, "jobs", "compute", {"backend": "slurm"}),
    ("jobs/supervisor", None, "jobs", "supervisor", {}),
    (
        "jobs/executed?path=.mlinfra%2Fjobs%2Fb.ipynb",
        None,
        "jobs",
        "executed",
        {"path": ".mlinfra/jobs/b.ipynb", "since": None},
    ),
    ("jobs/parameters?notebook=a%2Fb.ipynb", None, "jobs", "parameters", {"notebook": "a/b.ipynb"}),
    ("pipelines/pipelines", None, "pipelines", "list", PAGE),
    ("pipelines/pipelines/flights", None, "pipelines", "show", {"name": "flights"}),
    (
        "pipelines/pipelines/flights/runs?limit=3",
        None,
        "pipelines",
        "runs",
        {"name": "flights", "limit": 3, "cursor": None},
    ),
    (
        "pipelines/pipelines/flights/runs",
        {"parameters": {"seed": 2}, "force": True},
        "pipelines",
        "run",
        {
            "name": "flights",
            "parameters": {"seed": 2},
            "force": True,
            "from_step": None,
            "backend": None,
            "wait": False,
        },
    ),
    (
        "pipelines/pipelines/flights/backfill",
        {"first": "2026-01-01", "last": "2026-01-03", "dry_run": True},
        "pipelines",
        "backfill",
        {
            "name": "flights",
            "first": "2026-01-01",
            "last": "2026-01-03",
            "every": "day",
            "parameters": {},
            "parallel": 4,
            "dry_run": True,
            "wait": False,
        },
    ),
    (
        "pipelines/pipelines/flights/export?image=ml&schedule=s",
        None,
        "pipelines",
        "export",
        {"name": "flights", "to": "argo", "image": "ml", "secret": None, "schedule": "s"},
    ),
    (
        "pipelines/pipelines/flights/steps/train%5Bdepth=4%5D/explain",
        None,
        "pipelines",
        "explain",
        {"step": "flights/train[depth=4]"},
    ),
    (
        "pipelines/pipelines/flights/steps/train/runs",
        {"parameters": {"depth": 6}},
        "pipelines",
        "run_step",
        {
            "name": "flights",
            "step": "train",
            "parameters": {"depth": 6},
            "force": False,
            "backend": None,
            "wait": False,
        },
    ),
    (
        "pipelines/runs/r1/repair",
        {},
        "pipelines",
        "repair",
        {"run": "r1", "backend": None, "wait": False},
    ),
    ("pipelines/runs/r1", None, "pipelines", "show_run", {"run": "r1"}),
    ("pipelines/runs/r1/cancel", {}, "pipelines", "cancel", {"run": "r1"}),
    (
        "pipelines/draft",
        {"path": "a.mlpipeline.yaml", "text": "steps:"},
        "pipelines",
        "draft",
        {"path": "a.mlpipeline.yaml", "text": "steps:"},
    ),
    (
        "pipelines/edit",
        {"text": "steps: {}", "at": ["steps", "a", "in"], "value": ["x"], "new": True},
        "pipelines",
        "edit",
        {
            "text": "steps: {}",
            "at": ["steps", "a", "in"],
            "value": ["x"],
            "parameters": None,
            "rename": None,
            "new": True,
        },
    ),
    (
        "pipelines/edit",
        {"text": "", "at": ["steps", "a", "params"], "parameters": "k: 5"},
        "pipelines",
        "edit",
        {
            "text": "",
            "at": ["steps", "a", "params"],
            "value": None,
            "parameters": "k: 5",
            "rename": None,
            "new": False,
        },
    ),
    (
        "pipelines/propose",
        {"notebooks": ["a.ipynb", "b.ipynb"], "name": "n"},
        "pipelines",
        "propose",
        {"notebooks": ["a.ipynb", "b.ipynb"], "name": "n"},
    ),
    ("pipelines/schedules?limit=9", None, "schedules", "list", {"limit": 9, "cursor": None}),
    (
        "pipelines/schedules",
        {
            "name": "s",
            "pipeline": "p",
            "cron": "0 6 * * *",
            "tz": "Europe/Paris",
            "parameters": {"day": "{{ date }}"},
            "overlap": "queue",
        },
        "schedules",
        "create",
        {
            "name": "s",
            "pipeline": "p",
            "job": None,
            "facts": {
                "cron": "0 6 * * *",
                "tz": "Europe/Paris",
                "catchup": None,
                "parameters": {"day": "{{ date }}"},
                "grace_seconds": None,
                "overlap": "queue",
            },
        },
    ),
    ("pipelines/schedules/s", None, "schedules", "show", {"name": "s"}),
    (
        "pipelines/schedules/s/update",
        {"job": {"gpus": 1}, "grace_seconds": 60, "catchup": "all"},
        "schedules",
        "update",
        {
            "name": "s",
            "facts": {
                "pipeline": None,
                "job": {"gpus": 1},
                "cron": None,
                "tz": None,
                "parameters": None,
                "catchup": "all",
                "grace_seconds": 60.0,
                "overlap": None,
            },
        },
    ),
    ("pipelines/schedules/s/pause", {}, "schedules", "pause", {"name": "s"}),
    ("pipelines/schedules/s/resume", {}, "schedules", "resume", {"name": "s"}),
    (
        "pipelines/schedules/s/run",
        {"due": "2026-03-28T06:00:00+01:00"},
        "schedules",
        "run_now",
        {"name": "s", "due": datetime(2026, 3, 28, 5, tzinfo=UTC)},
    ),
    ("pipelines/schedules/s/delete", {}, "schedules", "delete", {"name": "s"}),
    (
        "pipelines/schedules/s/history?limit=3",
        None,
        "schedules",
        "history",
        {"name": "s", "limit": 3, "cursor": None},
    ),
    (
        "pipelines/due-times?cron=0%206%20*%20*%20*&tz=Europe%2FParis&count=3",
        None,
        "schedules",
        "foresee",
        {"cron": "0 6 * * *", "tz": "Europe/Paris", "count": 3},
    ),
    ("experiments/experiments", None, "experiments", "experiments", PAGE),
    (
        "experiments/runs?experiment=flights&where=metrics.auc%20%3E%200.9&sort=-metrics.auc",
        None,
        "experiments",
        "runs",
        {"experiment": "flights", "where": "metrics.auc > 0.9", "sort": "-metrics.auc"} | PAGE,
    ),
    ("experiments/runs/9c1e", None, "experiments", "show", {"run": "9c1e"}),
    (
        "experiments/runs/9c1e/curve?metric=auc&points=50",
        None,
        "experiments",
        "curves",
        {"run": "9c1e", "metric": "auc", "points": 50},
    ),
    (
        "experiments/compare?ids=a,b&curves=false",
        None,
        "experiments",
        "compare",
        {"ids": ["a", "b"], "curves": False, "points": 400},
    ),
    ("experiments/models", None, "experiments", "models", PAGE),
    ("experiments/models/flights", None, "experiments", "model", {"name": "flights"}),
    (
        "experiments/models/flights/versions",
        {"run": "9c1e"},
        "experiments",
        "register",
        {"run": "9c1e", "model": "flights", "artifact": "model"},
    ),
    ("experiments/versions/flights/3", None, "experiments", "version", {"ref": "flights/3"}),
    ("experiments/versions/flights/3/card", None, "experiments", "card", {"ref": "flights/3"}),
    (
        "experiments/versions/flights/3/promote",
        {"alias": "champion"},
        "experiments",
        "promote",
        {"ref": "flights/3", "alias": "champion"},
    ),
    (
        "experiments/versions/flights/3/delete",
        {"reason": "too slow"},
        "experiments",
        "delete_version",
        {"ref": "flights/3", "reason": "too slow"},
    ),
    (
        "deployments/batch",
        {
            "version": "flights/3",
            "source": "f.p",
            "into": "f.scored",
            "keep": ["id"],
            "features": ["weather"],
            "defaults": {"temp": 1.5},
        },
        "deployments",
        "batch",
        {
            "version": "flights/3",
            "source": "f.p",
            "into": "f.scored",
            "keep": ("id",),
            "answers": None,
            "max_errors": 0.1,
            "mode": "append",
            "again": False,
            "new": False,
            "workers": None,
            "features": ("weather",),
            "missing": None,
            "defaults": {"temp": 1.5},
            "at": "event_timestamp",
        },
    ),
    ("deployments/deployments", None, "deployments", "list", PAGE),
    ("deployments/deployments/flights", None, "deployments", "show", {"name": "flights"}),
    (
        "deployments/deployments/flights/history",
        None,
        "deployments",
        "history",
        {"name": "flights"} | PAGE,
    ),
    (
        "deployments/deployments/flights/requests?version=v1&outcome=failed&since=60&shadow=true"
        "&cursor=9.1",
        None,
        "deployments",
        "requests",
        {
            "name": "flights",
            "version": "v1",
            "outcome": "failed",
            "since": timedelta(minutes=1),
            "until": None,
            "shadow": True,
            "limit": 50,
            "cursor": "9.1",
        },
    ),
    (
        "deployments/deployments/flights/request?id=a%2Fb&at=2026-01-01T00:00:00Z&row=2",
        None,
        "deployments",
        "request",
        {
            "name": "flights",
            "id": "a/b",
            "at": "2026-01-01T00:00:00Z",
            "row": 2,
            "shadow": False,
            "version": "",
        },
    ),
    (
        "deployments/deployments/flights/latency",
        None,
        "deployments",
        "latencies",
        {"name": "flights", "since": timedelta(hours=1)},
    ),
    (
        "deployments/deployments/flights/verdict?control=v1&treatment=v2&measure=latency",
        None,
        "deployments",
        "verdict",
        {"name": "flights", "control": "v1", "treatment": "v2", "measure": "latency"},
    ),
    (
        "deployments/deployments/flights/compare?version=flights/2",
        None,
        "deployments",
        "compare",
        {"name": "flights", "version": "flights/2", "code": True},
    ),
    (
        "deployments/deployments/flights/verdict",
        None,
        "deployments",
        "verdict",
        {"name": "flights", "control": "", "treatment": "", "measure": "errors"},
    ),
    (
        "deployments/deployments/flights/manifest?kind=kserve&image=registry/f&replicas=2",
        None,
        "deployments",
        "manifest",
        {
            "name": "flights",
            "kind": "kserve",
            "options": ManifestOptions(image="registry/f", replicas=2),
        },
    ),
    (
        "deployments/deployments/flights/traffic",
        {"traffic": {"v1": 50, "v2": 50}},
        "deployments",
        "traffic",
        {"name": "flights", "traffic": {"v1": 50, "v2": 50}, "reason": ""},
    ),
    ("deployments/audit", None, "deployments", "audit", {"name": None} | PAGE),
    (
        "deployments/deployments/flights/keys",
        None,
        "deployments",
        "keys",
        {"name": "flights"} | PAGE,
    ),
    (
        "deployments/deployments/flights/keys",
        {"label": "app", "days": 90},
        "deployments",
        "create_key",
        {"name": "flights", "label": "app", "days": 90},
    ),
    (
        "deployments/deployments/flights/keys/rotate",
        {"key": "app"},
        "deployments",
        "rotate_key",
        {"name": "flights", "key": "app", "grace_hours": 24.0, "days": None},
    ),
    (
        "deployments/deployments/flights/keys/revoke",
        {"key": "app", "reason": "left"},
        "deployments",
        "revoke_key",
        {"name": "flights", "key": "app", "reason": "left"},
    ),
    (
        "deployments/deployments/flights/promote",
        {"version": "v2"},
        "deployments",
        "promote",
        {"name": "flights", "version": "v2"},
    ),
    (
        "deployments/deployments/flights/rollback",
        {},
        "deployments",
        "rollback",
        {"name": "flights"},
    ),
    (
        "deployments/deployments/flights/remove",
        {"version": "v1"},
        "deployments",
        "remove",
        {"name": "flights", "version": "v1"},
    ),
    (
        "deployments/deployments/flights/shadow",
        {"version": "v2", "percent": 40},
        "deployments",
        "shadow",
        {"name": "flights", "version": "v2", "percent": 40, "reason": ""},
    ),
    (
        "deployments/deployments/flights/shadow?version=v2&hours=2",
        None,
        "deployments",
        "shadow_report",
        {"name": "flights", "version": "v2", "window": timedelta(hours=2)},
    ),
    (
        "deployments/deployments/flights/undo",
        {"change": 7},
        "deployments",
        "undo",
        {"name": "flights", "change": 7, "reason": ""},
    ),
    ("deployments/deployments/flights/plan", None, "deployments", "plan", {"name": "flights"}),
    (
        "deployments/deployments/flights/plan/pause",
        {"reason": "lunch"},
        "deployments",
        "pause",
        {"name": "flights", "reason": "lunch"},
    ),
    (
        "deployments/deployments/flights/plan/resume",
        {},
        "deployments",
        "resume",
        {"name": "flights", "reason": ""},
    ),
    (
        "deployments/deployments/flights/predict",
        {"rows": [{"temp": 1.5}]},
        "deployments",
        "predict",
        {"name": "flights", "rows": [{"temp": 1.5}], "version": None, "params": None},
    ),
    (
        "deployments/deployments/flights/predict",
        {"rows": {"data": {"ndarray": [[1]]}}, "version": "v1", "params": {"factor": 0.5}},
        "deployments",
        "predict",
        {
            "name": "flights",
            "rows": {"data": {"ndarray": [[1]]}},
            "version": "v1",
            "params": {"factor": 0.5},
        },
    ),
    (
        "deployments/deployments/flights/explain",
        {"rows": [{"temp": 1.5}], "version": "v2"},
        "deployments",
        "explain",
        {"name": "flights", "rows": [{"temp": 1.5}], "version": "v2"},
    ),
    (
        "deployments/deployments/flights/rows?limit=5",
        None,
        "deployments",
        "known_rows",
        {"name": "flights", "limit": 5},
    ),
    ("monitoring/monitors", None, "monitoring", "list", PAGE),
    (
        "monitoring/monitors",
        {"deployment": "flights"},
        "monitoring",
        "watch",
        {"deployment": "flights", "name": None},
    ),
    (
        "monitoring/monitors/flights?since=3600",
        None,
        "monitoring",
        "status",
        {"name": "flights", "since": timedelta(hours=1)},
    ),
    (
        "monitoring/monitors/flights/labels",
        {"labels": [{"request_id": "a", "label": 1}]},
        "monitoring",
        "labels",
        {"name": "flights", "source": [{"request_id": "a", "label": 1}]},
    ),
    (
        "monitoring/monitors/flights/figures?since=3600&version=v2&against=previous",
        None,
        "monitoring",
        "figures",
        {
            "name": "flights",
            "since": timedelta(hours=1),
            "version": "v2",
            "segment": "",
            "against": "previous",
        },
    ),
    (
        "monitoring/monitors/flights/series?metric=psi&feature=temp&limit=9",
        None,
        "monitoring",
        "series",
        {
            "name": "flights",
            "metric": "psi",
            "feature": "temp",
            "version": None,
            "segment": "",
            "since": None,
            "limit": 9,
            "cursor": None,
        },
    ),
    (
        "monitoring/monitors/flights/evaluate",
        {},
        "monitoring",
        "evaluate",
        {"name": "flights", "since": None},
    ),
    (
        "monitoring/monitors/flights/heat?since=3600&words=temp&segment=a%3Db",
        None,
        "monitoring",
        "heat",
        {
            "name": "flights",
            "metric": "psi",
            "since": timedelta(hours=1),
            "version": None,
            "segment": "a=b",
            "words": "temp",
            "limit": 50,
        },
    ),
    (
        "monitoring/monitors/flights/cause?feature=temp&version=v2",
        None,
        "monitoring",
        "cause",
        {"name": "flights", "feature": "temp", "version": "v2"},
    ),
    (
        "monitoring/monitors/flights/distribution?feature=temp&start=2026-11-24T11:00:00Z",
        None,
        "monitoring",
        "distribution",
        {
            "name": "flights",
            "feature": "temp",
            "start": datetime(2026, 11, 24, 11, tzinfo=UTC),
            "end": None,
            "version": None,
            "segment": "",
        },
    ),
    *(
        (
            f"monitoring/alerts?{option}=true",
            None,
            "monitoring",
            "alerts",
            {"firing": False, "folded": False, option: True} | PAGE,
        )
        for option in ("firing", "folded")
    ),
    ("monitoring/alerts/m%2Fdrift", None, "alerts", "show", {"alert": "m/drift"}),
    (  # the feature a/b%
        "monitoring/alerts/alert%3Am%2Fdrift%2Fa%252Fb%2525",
        None,
        "alerts",
        "show",
        {"alert": "alert:m/drift/a%2Fb%25"},
    ),
    (
        "monitoring/alerts/m%2Fdrift/history",
        None,
        "alerts",
        "history",
        {"alert": "m/drift"} | PAGE,
    ),
    (
        "monitoring/alerts/m%2Fdrift/acknowledge",
        {"why": "known"},
        "alerts",
        "acknowledge",
        {"alert": "m/drift", "why": "known"},
    ),
    ("monitoring/alerts/m%2Fdrift/notebook", {}, "alerts", "notebook", {"alert": "m/drift"}),
    (
        "monitoring/alerts/m%2Fdrift/retrain",
        {},
        "alerts",
        "retrain",
        {"alert": "m/drift", "why": ""},
    ),
    (
        "monitoring/alerts/m%2Fdrift/rollback",
        {"why": "x"},
        "alerts",
        "rollback",
        {"alert": "m/drift", "why": "x"},
    ),
    ("monitoring/silences", None, "alerts", "silences", PAGE),
    (
        "monitoring/silences",
        {"target": "m/drift", "why": "known", "seconds": 3600},
        "alerts",
        "silence",
        {"target": "m/drift", "why": "known", "span": timedelta(hours=1), "until": None},
    ),
    ("monitoring/unsilence", {"number": 3}, "alerts", "unsilence", {"number": 3}),
    ("monitoring/deliveries", None, "alerts", "deliveries", PAGE),
    ("monitoring/rules?monitor=m", None, "alerts", "rules", {"monitor": "m"} | PAGE),
    (
        "monitoring/check-rules?file=a.mlrules.yaml",
        None,
        "alerts",
        "check",
        {"file": "a.mlrules.yaml"},
    ),
    (
        "monitoring/backtest?file=a.mlrules.yaml&days=7",
        None,
        "alerts",
        "backtest",
        {"file": "a.mlrules.yaml", "monitor": None, "days": 7.0},
    ),
    (
        "monitoring/backtest",
        {"path": "a.mlrules.yaml", "text": "rules: []", "days": 7},
        "alerts",
        "backtest",
        {"file": "a.mlrules.yaml", "text": "rules: []", "monitor": None, "days": 7.0},
    ),
    (
        "monitoring/rules-draft",
        {"path": "a.mlrules.yaml", "text": ""},
        "alerts",
        "draft",
        {"path": "a.mlrules.yaml", "text": ""},
    ),
    (
        "monitoring/rules-edit",
        {"text": "", "place": 1, "values": {"threshold": 0.3}},
        "alerts",
        "edit",
        {"text": "", "place": 1, "values": {"threshold": 0.3}, "remove": False},
    ),
    (
        "workbench/search?q=late%20flights&kinds=run,model&owner=ana&tag=a%252Cb,gold&limit=9",
        None,
        "workbench",
        "search",
        {
            "words": "late flights",
            "kinds": ["run", "model"],
            "domains": DOMAINS,
            "owner": ["ana"],
            "tag": ["a,b", "gold"],
            "namespace": [],
            "limit": 9,
            "cursor": None,
        },
    ),
    ("workbench/status", None, "workbench", "status", {"domains": DOMAINS}),
    ("workbench/check", {}, "workbench", "check", {"domains": DOMAINS}),
    ("workbench/up", {}, "workbench", "up", {}),
    ("workbench/down", {}, "workbench", "down", {}),
]


def template_of(request: str) -> str:
    """The path of the OpenAPI document that a request is for."""
    path = "/" + request.partition("?")[0]
    exact = [
        template
        for template in document()["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    return min(exact, key=lambda template: template.count("{"))


@pytest.mark.parametrize(
    ("request_", "body", "domain", "verb", "arguments"),
    CALLS,
    ids=[f"{'GET' if call[1] is None else 'POST'} {call[0]}" for call in CALLS],
)
async def test_a_route_asks_its_service_and_answers_as_documented(
    noted: Noted,
    ask: Callable[..., Any],
    request_: str,
    body: Any,
    domain: str,
    verb: str,
    arguments: dict[str, Any],
) -> None:
    template, method = template_of(request_), "get" if body is None else "post"
    noted.answer = answer_of(template[1:], method)
    answer = await ask(request_, body)
    assert answer.code == 200, answer.value
    assert noted.calls[0] == (domain, verb, arguments)
    schema = document()["paths"][template][method]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]
    jsonschema.validate(answer.value, {**schema, "components": document()["components"]})


def test_every_route_is_in_the_table() -> None:
    called = {(template_of(call[0]), "get" if call[1] is None else "post") for call in CALLS}
    every = {(path, verb) for path, verbs in document()["paths"].items() for verb in verbs}
    elsewhere = {
        ("/jobs/jobs", "post"),
        ("/jobs/estimate", "post"),
        ("/jobs/jobs/{id}/attach", "post"),
        ("/workbench/code", "post"),
        ("/workbench/names", "post"),
        ("/workbench/init", "post"),
        ("/workbench/domains", "get"),
        ("/workbench/project", "get"),
        ("/catalog/inspect", "post"),
        ("/catalog/datasets/{name}/rules", "post"),
        ("/catalog/datasets/{name}/contract/import", "post"),
        ("/catalog/datasets/{name}/mend/export", "post"),
        ("/features/define", "post"),
        ("/workbench/first-steps", "post"),
        ("/openapi.json", "get"),
        ("/monitoring/metrics", "get"),
        ("/deployments/metrics", "get"),
    }
    assert every - called == elsewhere | {
        (f"/{template_of(path)[1:]}", "post") for path, *_ in LONG
    }


async def test_definitions_are_kept_as_a_draft_and_written_by_a_job(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    noted.answer = job = answer_of("jobs/jobs", "post")
    body = {"name": "stats", "text": "x = 1\n", "replace": True}
    assert (await ask("features/define", body)).code == 200
    assert noted.calls[0] == ("features", "draft", {"name": "stats", "text": "x = 1\n"})
    command = noted.calls[-1][2]["spec"].command
    assert command[4:] == ("features", "define", "--replace", "--", "stats", str(job))


@pytest.mark.parametrize("domain", ["monitoring", "deployments"])
async def test_metrics_are_text_and_not_json(
    noted: Noted, jp_fetch: Callable[..., Any], domain: str
) -> None:
    noted.answer = "# TYPE mlinfra_psi gauge\nmlinfra_psi 0.3\n"
    answer = await jp_fetch("mlinfra", "api", domain, "metrics")
    assert answer.body.decode() == noted.answer
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert noted.calls == [(domain, "metrics", {})]


async def test_a_submitted_job_is_the_one_that_was_asked_for(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    noted.answer = answer_of("jobs/jobs", "post")
    assert (await ask("jobs/jobs", JOB)).code == 200
    _, verb, arguments = noted.calls[0]
    spec = arguments["spec"]
    assert verb == "submit"
    assert {name: getattr(spec, name) for name in JOB} == JOB
    assert (spec.command, spec.retries, spec.environment) == ((), 0, {})


async def test_an_estimate_is_asked_for_with_any_command(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    noted.answer = answer_of("jobs/estimate", "post")
    command = ["python", "-c", "import sys\nprint(1, sys.argv)", "a,b", ""]
    assert (await ask("jobs/estimate", {"command": command, "gpus": 0.5})).code == 200
    _, verb, arguments = noted.calls[0]
    assert (verb, arguments["spec"].command, arguments["spec"].gpus) == (
        "estimate",
        tuple(command),
        0.5,
    )


LONG: list[tuple[str, Any, str, list[str], dict[str, Any]]] = [
    # route, body, name of the job, words of its command line, and what those ask for
    (
        "catalog/datasets/f.p/expire",
        {"older_than": "7d", "keep": 3},
        "expire f.p",
        ["catalog", "expire", "--keep=3", "--yes", "--older-than=7d", "--", "f.p"],
        {"name": "f.p", "older_than": timedelta(days=7), "keep": 3, "preview": False},
    ),
    (
        "catalog/datasets/a.b/quality/run",
        {},
        "quality a.b",
        ["catalog", "quality", "--", "a.b"],
        {"name": "a.b"},
    ),
    (
        "catalog/ingest",
        {"files": ["-x.csv"], "into": "a.b", "mode": "replace"},
        "ingest a.b",
        ["catalog", "ingest", "--into=a.b", "--mode=replace", "--", "{root}/-x.csv"],
        {"files": ("{root}/-x.csv",), "into": "a.b", "mode": "replace"},
    ),
    (
        "catalog/ingest",
        {"files": ["-x.csv"], "into": "a.b", "mode": "upsert", "key": ["id", "-day"]},
        "ingest a.b",
        [
            *("catalog", "ingest", "--into=a.b", "--mode=upsert", "--key=id", "--key=-day"),
            *("--", "{root}/-x.csv"),
        ],
        {"files": ("{root}/-x.csv",), "into": "a.b", "mode": "upsert", "key": ("id", "-day")},
    ),
    (
        "catalog/ingest",
        {
            "files": ["s3://lake/in/"],
            "into": "a.b",
            "key": ["id"],
            "cursor": "-at",
            "lookback": "1h",
        },
        "ingest a.b",
        [
            *("catalog", "ingest", "--into=a.b", "--key=id", "--cursor=-at", "--lookback=1h"),
            *("--", "s3://lake/in/"),
        ],
        {
            "files": ("s3://lake/in/",),
            "mode": None,
            "key": ("id",),
            "cursor": "-at",
            "lookback": timedelta(hours=1),
        },
    ),
    (
        "catalog/register",
        {"path": "-x.csv", "name": "a.b", "separator": ";"},
        "register a.b",
        ["catalog", "register", "--as=a.b", "--separator=;", "--", "{root}/-x.csv"],
        {"name": "a.b", "reading": {"separator": ";"}},
    ),
    (
        "catalog/ingest",
        {
            "files": ["-x.csv"],
            "into": "a.b",
            "again": True,
            "header": False,
            "separator": ";",
            "skip": 0,
            "quote": "",
            "decimal": ",",
            "date_format": "%d.%m.%Y",
            "null_values": ["-", ""],
            "types": {"Umsatz (€)": "f64", "a=b": "str"},
            "max_bad": 0.5,
            "comment": None,
        },
        "ingest a.b",
        [
            "catalog",
            "ingest",
            "--into=a.b",
            "--again",
            "--separator=;",
            "--skip=0",
            "--quote=",
            "--decimal=,",
            "--date-format=%d.%m.%Y",
            "--no-header",
            "--max-bad=50.0",
            "--null=-",
            "--null=",
            "--type=Umsatz (€)=f64",
            "--type=a=b=str",
            "--",
            "{root}/-x.csv",
        ],
        {
            "files": ("{root}/-x.csv",),
            "again": True,
            "reading": {
                "header": False,
                "separator": ";",
                "skip": 0,
                "quote": "",
                "decimal": ",",
                "date_format": "%d.%m.%Y",
                "null_values": ("-", ""),
                "types": {"Umsatz (€)": "f64", "a=b": "str"},
                "max_bad": 0.5,
            },
        },
    ),
    (
        "catalog/datasets/f.p/move",
        {"tier": "cold"},
        "move f.p",
        ["catalog", "move", "--tier=cold", "--", "f.p"],
        {"name": "f.p", "tier": "cold"},
    ),
    (
        "catalog/datasets/f.p/compact",
        {},
        "compact f.p",
        ["catalog", "compact", "--yes", "--", "f.p"],
        {"name": "f.p", "really": True},
    ),
    (
        "catalog/datasets/f.p/clean",
        {"older_than": 5},
        "clean f.p",
        ["catalog", "clean", "--yes", "--older-than=5", "--", "f.p"],
        {"name": "f.p", "really": True, "hours": 5},
    ),
    ("catalog/clean", {}, "clean all datasets", ["catalog", "clean", "--yes"], {"really": True}),
    (
        "catalog/trash/7/purge",
        {},
        "trash 7",
        ["catalog", "trash", "--", "purge", "7"],
        {"trashed": "7"},
    ),
    (
        "catalog/datasets/f.p/verify",
        {},
        "verify f.p",
        ["catalog", "verify", "--", "f.p"],
        {"name": "f.p"},
    ),
    (
        "catalog/datasets/f.p/mend",
        {"file": "-x.csv", "key": ["id"], "separator": ";"},
        "mend f.p",
        ["catalog", "mend", "--key=id", "--separator=;", "--", "f.p", "{root}/-x.csv"],
        {"name": "f.p", "key": ("id",), "reading": {"separator": ";"}},
    ),
    (
        "features/views/w/materialize",
        {"start": "2013-01-02T03:04:05Z", "every": "1d"},
        "materialize w",
        [
            "features",
            "materialize",
            "--start=2013-01-02T03:04:05+00:00",
            "--every=1d",
            "--",
            "w",
        ],
        {
            "view": ("w",),
            "start": datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC),
            "end": None,
            "every": timedelta(days=1),
            "full": False,
        },
    ),
    (
        "features/views/w/check",
        {},
        "check w",
        ["features", "check", "--", "w"],
        {"view": "w", "sample": None},
    ),
    (
        "features/views/w/tags",
        {"add": {"team": "a b"}, "remove": ["old"]},
        "tag w",
        ["features", "tag", "--remove=old", "--", "w", "team=a b"],
        {"view": "w", "add": {"team": "a b"}, "remove": ("old",), "write": True, "apply": True},
    ),
    (
        "features/views/w/statistics",
        {},
        "statistics w",
        ["features", "statistics", "--compute", "--", "w"],
        {"view": "w", "compute": True},
    ),
    (
        "features/snapshot",
        {"name": "ml.train", "features": ["w:a", "v:*"], "entities": "shop.rows", "at": "when"},
        "snapshot ml.train",
        [
            "features",
            "snapshot",
            "--features=w:a",
            "--features=v:*",
            "--entities=shop.rows",
            "--at=when",
            "--",
            "ml.train",
        ],
        {
            "name": "ml.train",
            "features": ["w:a", "v:*"],
            "entities": "shop.rows",
            "at": "when",
            "full_names": False,
        },
    ),
    (
        "monitoring/monitors/flights/reference",
        {"dataset": "f.held_out", "label": "late"},
        "reference flights",
        ["monitors", "reference", "--from=f.held_out", "--label=late", "--", "flights"],
        {"name": "flights", "dataset": "f.held_out", "label": "late", "score": None},
    ),
    (
        "monitoring/monitors/flights/backfill",
        {"again": True},
        "backfill flights",
        ["monitors", "backfill", "--again", "--", "flights"],
        {"name": "flights", "again": True, "on_progress": ANY},
    ),
    ("features/apply", {}, "apply feature views", ["features", "apply"], {}),
    (
        "deployments/deployments",
        {
            "name": "flights",
            "version": "flights/2",
            "traffic": 0,
            "reason": "--help",
            "target": "kubernetes",
        },
        "deploy flights/2 to flights",
        [
            "deployments",
            "deploy",
            "--name=flights",
            "--traffic=0",
            "--reason=--help",
            "--target=kubernetes",
            "--",
            "flights/2",
        ],
        {
            "name": "flights",
            "version": "flights/2",
            "traffic": 0,
            "reason": "--help",
            "target": "kubernetes",
        },
    ),
    (
        "deployments/deployments",
        {"version": "Churn_2026/1"},
        "deploy Churn_2026/1 to churn-2026",
        ["deployments", "deploy", "--name=churn-2026", "--", "Churn_2026/1"],
        {"name": "churn-2026", "version": "Churn_2026/1"},
    ),
    (
        "deployments/deployments",
        {"version": "f/1", "features": ["w", "c:d"], "missing": "default", "default": ["d=1"]},
        "deploy f/1 to f",
        [
            "deployments",
            "deploy",
            "--name=f",
            "--features=w",
            "--features=c:d",
            "--missing=default",
            "--default=d=1",
            "--",
            "f/1",
        ],
        {"name": "f", "features": ("w", "c:d"), "missing": "default", "defaults": {"d": 1}},
    ),
    (
        "deployments/deployments",
        {"version": "flights/2", "steps": [5, 100], "every": 90, "goal": "reward"},
        "deploy flights/2 to flights",
        [
            "deployments",
            "deploy",
            "--name=flights",
            "--steps=5,100",
            "--every=90s",
            "--goal=reward",
            "--",
            "flights/2",
        ],
        {
            "name": "flights",
            "version": "flights/2",
            "delivery": DeliverySpec(steps=(5, 100), every_seconds=90, goal="reward"),
        },
    ),
    (
        "deployments/deployments",
        {"version": "flights/2", "shadow": True, "copies": 25, "workers": 3},
        "deploy flights/2 to flights",
        [
            "deployments",
            "deploy",
            "--name=flights",
            "--workers=3",
            "--shadow",
            "--copies=25",
            "--",
            "flights/2",
        ],
        {
            "name": "flights",
            "version": "flights/2",
            "workers": 3,
            "delivery": DeliverySpec(shadow=25),
        },
    ),
    (
        "deployments/deployments/flights/replay",
        {"version": "v2", "hours": 2},
        "replay v2 of flights",
        ["deployments", "replay", "--version=v2", "--window=2h", "--", "flights"],
        {"name": "flights", "version": "v2", "window": timedelta(hours=2), "rows": None},
    ),
]


CALLED = {  # where service and method are not called as noun and verb
    "catalog/clean": ["catalog", "clean_all"],
    "catalog/trash/7/purge": ["catalog", "purge"],
    "backfill": ["monitoring", "backfill"],
    "reference": ["monitoring", "make_reference"],
}


@pytest.mark.parametrize(
    ("route", "body", "name", "words", "asked"), LONG, ids=[entry[0] for entry in LONG]
)
async def test_a_verb_that_may_take_long_is_a_job_of_the_command_line(
    noted: Noted,
    ask: Callable[..., Any],
    route: str,
    body: Any,
    name: str,
    words: list[str],
    asked: dict[str, Any],
) -> None:
    root = str(noted.project.root)
    (noted.project.root / "-x.csv").write_text("a\n1\n")
    noted.answer = answer_of("jobs/jobs", "post")
    assert (await ask(route, body)).code == 200
    spec = noted.calls[-1][2]["spec"]
    assert spec.command == (
        sys.executable,
        "-P",
        "-m",
        "jupyter_mlinfra.cli",
        *(word.format(root=root) for word in words),
    )
    assert (spec.name, spec.cpus, spec.labels) == (name, 0, {"verb": " ".join(words[:2])})
    session = Session(json=True)
    session.__dict__["bench"] = job = Noted()
    job.answer = {
        "catalog": SimpleNamespace(summary="", rules=(), damaged=()),
        "deployments": answer_of("deployments/deployments/{name}/rollback", "post"),
        "features": {
            "apply": SimpleNamespace(problems=()),
            "check": SimpleNamespace(passed=True),
            "tag": SimpleNamespace(applied=None),
        }.get(words[1], []),
    }.get(words[0], [])
    run(spec.command[4:], session)
    domain, verb, arguments = job.calls[0]
    assert [domain, verb] == CALLED.get(route, CALLED.get(words[1], words[:2]))
    assert {key: arguments[key] for key in asked} == {
        key: (value[0].format(root=root),) if key == "files" else value
        for key, value in asked.items()
    }


@pytest.mark.parametrize(
    ("route", "answer"), [("catalog/ingest", "Job"), ("catalog/inspect", "Inspection")]
)
async def test_a_panel_reads_files_of_the_project_and_no_others(
    noted: Noted, ask: Callable[..., Any], tmp_path: Path, route: str, answer: str
) -> None:
    root = noted.project.root
    (root / "data.csv").write_text("a\n1\n")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    noted.answer = answer_of(route, "post")
    assert (await ask(route, {"files": ["data.csv"], "into": "a.b"})).code == 200
    arguments = noted.calls[0][2]
    if answer == "Job":
        assert arguments["spec"].command[-2:] == ("--", str(root / "data.csv"))
    else:
        assert arguments["files"] == [str(root / "data.csv")]
    for outside in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "/etc/passwd"):
        refused = await ask(route, {"files": ["data.csv", outside], "into": "a.b"})
        assert (refused.code, refused.value["error"]) == (403, "forbidden"), outside
    assert len(noted.calls) == 1


async def test_a_panel_reads_folders_objects_and_databases_that_are_allowed(
    noted: Noted, ask: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "canary-77")
    root = noted.project.root
    for folder in (root / "in", root / "out", noted.project.home):
        folder.mkdir(exist_ok=True)
    for file in (root / "in" / "a.csv", tmp_path / "b.csv", root / "shop.db", tmp_path / "x.db"):
        file.write_text("a\n1\n")
    (noted.project.home / "state.db").touch()
    (root / "out" / "b.csv").symlink_to(tmp_path / "b.csv")
    toml = root / "mlinfra.toml"
    toml.write_text(f'{toml.read_text()}\n[catalog]\ndatabases = ["DB.org/shop"]\n')
    noted.project = Project.open(root)
    noted.answer = answer_of("catalog/ingest", "post")
    allowed = "postgresql://ana:env:CANARY@db.org:5432/shop?sslmode=require#orders"
    for given, taken in (
        ("in", str(root / "in")),
        ("i*/*.csv", str(root / "i*/*.csv")),
        ("in/**/*.csv", str(root / "in/**/*.csv")),
        ("s3://lake/in", "s3://lake/in"),
        ("sqlite:///shop.db#t", f"sqlite:///{root}/shop.db#t"),
        (allowed, allowed),
    ):
        answer = await ask("catalog/ingest", {"files": [given], "into": "a.b"})
        assert answer.code == 200, (given, answer.value)
        assert noted.calls[-1][2]["spec"].command[-1] == taken
    asked = len(noted.calls)
    for given, code in (
        ("out", 403),
        ("out/*", 403),
        ("*/b.csv", 403),
        ("../*", 403),
        ("in/*/../../../*", 403),
        ("in/*/../*", 400),
        ("in/*.parquet", 404),
        (".mlinfra/*", 403),
        ("..", 403),
        (".mlinfra/state.db", 403),
        ("sqlite:///.mlinfra/state.db#jobs", 403),
        (f"sqlite:///{tmp_path}/x.db#t", 403),
        ("sqlite:///../x.db#t", 403),
        ("sqlite:///absent.db#t", 404),
        ("postgresql://ana:env:CANARY@evil.org/shop#orders", 403),
        ("postgresql://ana:env:CANARY@db.org/other#orders", 403),
        ("postgresql://ana:env:CANARY@db.org:5433/shop#orders", 403),
        ("postgresql://ana:env:CANARY@db.org,evil.org/shop#orders", 403),
        ("postgresql://ana:env:CANARY@db.org/shop?host=evil.org#orders", 403),
        ("postgresql://ana:env:CANARY@db.org/shop?hostaddr=6.6.6.6#orders", 403),
        ("postgresql://ana:env:CANARY@db.org/shop?service=other#orders", 403),
        ("postgresql://db.org/shop#x@evil.org/shop#orders", 400),
        ("postgresql://ana:plain@db.org/shop#orders", 400),
        ("env:CANARY#orders", 400),
        ("mysql://db.org/shop#orders", 400),
        ("s3://key:secret@lake/in", 400),
    ):
        answer = await ask("catalog/ingest", {"files": [given], "into": "a.b"})
        assert answer.code == code, (given, answer.value)
        assert "canary-77" not in str(answer.value)
        assert "plain" not in str(answer.value)
    for wrong in ({"mode": "append", "key": ["id"]}, {"mode": "upsert"}, {"lookback": "soon"}):
        answer = await ask("catalog/ingest", {"files": ["in"], "into": "a.b", **wrong})
        assert answer.code == 400, wrong
    assert len(noted.calls) == asked


async def test_what_is_said_of_the_reading_reaches_the_look_at_the_files(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    (noted.project.root / "data.csv").write_text("a\n1\n")
    noted.answer = answer_of("catalog/inspect", "post")
    body = {
        "files": ["data.csv"],
        "mode": "replace",
        "header": False,
        "skip": None,
        "separator": "\t",
        "types": {"a": "str"},
    }
    assert (await ask("catalog/inspect", body)).code == 200
    _, verb, arguments = noted.calls[0]
    assert (verb, arguments["into"], arguments["mode"]) == ("inspect", None, "replace")
    assert arguments["reading"] == {"header": False, "separator": "\t", "types": {"a": "str"}}


async def test_an_option_that_cannot_be_makes_no_job(noted: Noted, ask: Callable[..., Any]) -> None:
    (noted.project.root / "data.csv").write_text("a\n1\n")
    for wrong in (
        {"separator": ";;"},
        {"decimal": ";"},
        {"thousands": "x"},
        {"skip": -1},
        {"nope": 1},
        {"quote": "ab"},
        {"comment": "\0"},
    ):
        answer = await ask("catalog/ingest", {"files": ["data.csv"], "into": "a.b", **wrong})
        assert (answer.code, answer.value["error"]) == (400, "bad_request"), wrong
    assert noted.calls == []


async def test_the_same_answer_twice_is_sent_once(
    noted: Noted, ask: Callable[..., Any], jp_auth_header: dict[str, str]
) -> None:
    noted.answer = answer_of("jobs/jobs", "get")
    first = await ask("jobs/jobs")
    second = await ask(
        "jobs/jobs", headers={**jp_auth_header, "If-None-Match": first.headers["Etag"]}
    )
    assert (second.code, second.value) == (304, None)


async def test_numbers_that_json_does_not_have_are_words(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    noted.answer = {"status": {"x": float("nan")}}
    assert (await ask("workbench/status")).value == {"status": {"x": "NaN"}}


async def test_large_integers_of_as_of_keep_their_digits(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    """JavaScript would round them."""
    large, made = 2**60 + 1, answer_of("features/views/{name}/explain", "post")
    row = replace(made.rows[0], values={"x": large, "few": 7, "list": [large], "yes": True})
    window = replace(made.windows[0], value=-large)
    noted.answer = replace(
        made, entity={"key": large}, taken=row, rows=[row], windows=[window, made.windows[0]]
    )
    answer = await ask("features/views/w/explain", {"entity": {"key": str(large)}})
    values = {"x": str(large), "few": 7, "list": [str(large)], "yes": True}
    found = answer.value
    assert (found["entity"], found["windows"][0]["value"]) == ({"key": str(large)}, str(-large))
    assert [found["taken"]["values"], found["rows"][0]["values"]] == [values, values]


async def test_the_first_notebook_is_made_once_and_named_as_the_file_browser_names_it(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    first = (await ask("workbench/first-steps", {})).value
    notebook = noted.project.root / first["path"]
    notebook.write_text("changed")
    assert (await ask("workbench/first-steps", {})).value == first
    assert notebook.read_text() == "changed"
