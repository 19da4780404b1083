"""What each verb asks of the workbench, what it prints, and that every verb is in the table."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import click
import polars as pl
import pytest

from jupyter_mlinfra import workbench
from jupyter_mlinfra.catalog.querying.answers import SqlAnswer
from jupyter_mlinfra.cli.app import VERBS, groups, main, root, run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.cli.text import text_of
from jupyter_mlinfra.core.errors import BadRequest, Conflict, TooLarge
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import page_of, to_json
from jupyter_mlinfra.core.viewer import Viewer
from jupyter_mlinfra.deployments import DeliverySpec, Gate, ManifestOptions
from jupyter_mlinfra.deployments.gate_list import Stopped
from jupyter_mlinfra.faces.parse import rows, span
from jupyter_mlinfra.jobs import JobState, LogChunk
from jupyter_mlinfra.jobs.backends.shell import Attachment
from jupyter_mlinfra.server.openapi import _records
from tests.server.noted import Noted, made_up

PAGE = {"limit": 50, "cursor": None}
# words, the record that answers, and the call: domain, verb, arguments
CALLS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    (
        "catalog list --namespace flights --limit 7 --cursor 14",
        "Page[Dataset]",
        "catalog",
        "list",
        {"namespace": "flights", "limit": 7, "cursor": "14"},
    ),
    ("catalog show f.p", "DatasetDetail", "catalog", "show", {"name": "f.p"}),
    (
        (
            "catalog ingest data.csv --into f.p --replace --null NA --null '' --time-zone"
            " America/New_York --type n=str"
        ),
        "IngestReport",
        "catalog",
        "ingest",
        {
            "files": ("data.csv",),
            "into": "f.p",
            "mode": "replace",
            "key": (),
            "again": False,
            "cursor": "",
            "lookback": None,
            "dry_run": False,
            "on_progress": ANY,
            "reading": {
                "null_values": ("NA", ""),
                "time_zone": "America/New_York",
                "types": {"n": "str"},
            },
        },
    ),
    (
        (
            "catalog ingest data.csv --into f.p --again --no-header --separator tab --skip 2"
            " --comment # --quote none --decimal , --thousands . --encoding cp1252 --date-format"
            " %d.%m.%Y --max-bad 25"
        ),
        "IngestReport",
        "catalog",
        "ingest",
        {
            "files": ("data.csv",),
            "into": "f.p",
            "mode": None,
            "key": (),
            "again": True,
            "cursor": "",
            "lookback": None,
            "dry_run": False,
            "on_progress": ANY,
            "reading": {
                "header": False,
                "separator": "tab",
                "skip": 2,
                "comment": "#",
                "quote": "none",
                "decimal": ",",
                "thousands": ".",
                "encoding": "cp1252",
                "date_format": "%d.%m.%Y",
                "max_bad": 0.25,
            },
        },
    ),
    (
        "catalog ingest data.csv --into f.p --key id --key day",
        "IngestReport",
        "catalog",
        "ingest",
        {
            "files": ("data.csv",),
            "into": "f.p",
            "mode": None,
            "key": ("id", "day"),
            "again": False,
            "cursor": "",
            "lookback": None,
            "dry_run": False,
            "on_progress": ANY,
        },
    ),
    (
        "catalog register 'data/*.csv' --as f.p --separator tab",
        "Dataset",
        "catalog",
        "register",
        {"path": "data/*.csv", "name": "f.p", "reading": {"separator": "tab"}},
    ),
    (
        "catalog inspect a.csv b.csv --into f.p --header --decimal .",
        "Inspection",
        "catalog",
        "inspect",
        {
            "files": ("a.csv", "b.csv"),
            "into": "f.p",
            "mode": "append",
            "in_place": False,
            "reading": {"header": True, "decimal": "."},
        },
    ),
    (
        "catalog search late flight --owner ana --tag gold --tag raw --namespace a --namespace b",
        "HitPage",
        "workbench",
        "search",
        {
            "words": "late flight",
            "kinds": ("dataset", "column"),
            "domains": ["catalog", "quarantine", "monitoring"],
            "owner": ("ana",),
            "tag": ("gold", "raw"),
            "namespace": ("a", "b"),
        }
        | PAGE,
    ),
    ("catalog namespaces", "Page[Namespace]", "catalog", "namespaces", PAGE),
    (
        "catalog preview f.p --start 5 --count 9 --columns a,b --snapshot 4",
        "RowBlock",
        "catalog",
        "preview",
        {
            "name": "f.p",
            "start": 5,
            "count": 9,
            "columns": ["a", "b"],
            "snapshot": "4",
            "reveal": False,
        },
    ),
    (
        "catalog preview f.p --reveal",
        "RowBlock",
        "catalog",
        "preview",
        {
            "name": "f.p",
            "start": 0,
            "count": 20,
            "columns": None,
            "snapshot": None,
            "reveal": Viewer("cli"),
        },
    ),
    ("catalog audit", "Page[Revealed]", "catalog", "audit", {"name": None} | PAGE),
    ("catalog audit f.p", "Page[Revealed]", "catalog", "audit", {"name": "f.p"} | PAGE),
    (
        "catalog verify f.p@7",
        "Verification",
        "catalog",
        "verify",
        {"name": "f.p@7", "on_progress": ANY},
    ),
    (
        "catalog verify f.p --quarantine",
        "Verification",
        "catalog",
        "set_aside",
        {"name": "f.p", "on_progress": ANY},
    ),
    (
        "catalog mend f.p bad.csv",
        "IngestReport",
        "catalog",
        "mend",
        {"name": "f.p", "file": "bad.csv", "key": (), "on_progress": ANY},
    ),
    (
        "catalog verify f.p --put-back",
        "Verification",
        "catalog",
        "put_back",
        {"name": "f.p", "on_progress": ANY},
    ),
    (
        "catalog ingest sqlite:///shop.db#orders --into f.p --cursor id",
        "IngestReport",
        "catalog",
        "ingest",
        {
            "files": ("sqlite:///shop.db#orders",),
            "into": "f.p",
            "mode": None,
            "key": (),
            "again": False,
            "cursor": "id",
            "lookback": None,
            "dry_run": False,
            "on_progress": ANY,
        },
    ),
    (
        "catalog profile f.p --tier exact",
        "Profile",
        "catalog",
        "profile",
        {"name": "f.p", "tier": "exact", "reveal": False},
    ),
    ("catalog snapshots f.p", "Page[Snapshot]", "catalog", "snapshots", {"name": "f.p"} | PAGE),
    (
        "catalog lineage f.p --column c",
        "Page[Edge]",
        "catalog",
        "lineage",
        {"name": "f.p", "column": "c"},
    ),
    ("catalog care f.p", "Care", "catalog", "care", {"name": "f.p"}),
    (
        "catalog move f.p --tier cold",
        "Moved",
        "catalog",
        "move",
        {"name": "f.p", "tier": "cold", "on_progress": ANY},
    ),
    ("catalog relocate", "Page[Moved]", "catalog", "relocate", {"on_progress": ANY}),
    (
        "catalog compact f.p",
        "CarePlan",
        "catalog",
        "compact",
        {"name": "f.p", "really": False, "on_progress": ANY},
    ),
    (
        "catalog clean f.p --older-than 5 --yes",
        "CarePlan",
        "catalog",
        "clean",
        {"name": "f.p", "hours": 5, "really": True, "on_progress": ANY},
    ),
    ("catalog clean", "Page[CarePlan]", "catalog", "clean_all", {"hours": None, "really": False}),
    ("catalog delete f.p --force", "Deleted", "catalog", "delete", {"name": "f.p", "force": True}),
    ("catalog trash", "Page[Trashed]", "catalog", "trash", PAGE),
    (
        "catalog trash restore 7 --as f.q",
        "Trashed",
        "catalog",
        "restore_deleted",
        {"trashed": "7", "into": "f.q"},
    ),
    ("catalog trash purge f.p", "Page[Trashed]", "catalog", "purge", {"trashed": "f.p"}),
    (
        "catalog quality f.p@7",
        "QualityReport",
        "catalog",
        "quality",
        {"name": "f.p@7", "reveal": False, "on_progress": ANY},
    ),
    ("catalog rules f.p", "Quality", "catalog", "rules", {"name": "f.p"}),
    (
        "catalog rules f.p --history --rule 'id unique' --limit 5",
        "Page[PastResult]",
        "catalog",
        "results",
        {"name": "f.p", "rule": "id unique", "limit": 5, "cursor": None},
    ),
    (
        "catalog rule f.p 'id not null' --severity warn --as present",
        "Rule",
        "catalog",
        "rule",
        {
            "name": "f.p",
            "text": "id not null",
            "severity": "warn",
            "as_": "present",
            "reveal": Viewer("cli"),
        },
    ),
    (
        "catalog rule f.p 'id not null' --remove",
        "Rule",
        "catalog",
        "remove_rule",
        {"name": "f.p", "rule": "id not null"},
    ),
    (
        "catalog contract f.p export c.yaml",
        "Contract",
        "catalog",
        "export_contract",
        {"name": "f.p", "file": "c.yaml"},
    ),
    (
        "catalog contract f.p import c.yaml",
        "Contract",
        "catalog",
        "import_contract",
        {"name": "f.p", "file": "c.yaml", "reveal": Viewer("cli")},
    ),
    (
        "catalog tag f.p gold clean --remove raw",
        "Labelled",
        "catalog",
        "tag",
        {
            "name": "f.p",
            "add": ("gold", "clean"),
            "remove": ("raw",),
            "branch": False,
            "reveal": Viewer("cli"),
        },
    ),
    (
        "catalog diff f.p 1 gold --key id --key day --examples 3",
        "Diff",
        "catalog",
        "diff",
        {
            "name": "f.p",
            "before": "1",
            "after": "gold",
            "key": ("id", "day"),
            "examples": 3,
            "reveal": False,
        },
    ),
    (
        "catalog restore f.p 2026-05-01",
        "Restored",
        "catalog",
        "restore",
        {"name": "f.p", "snapshot": "2026-05-01"},
    ),
    (
        "catalog expire f.p --older-than 7d --keep 3 --yes",
        "ExpiryPlan",
        "catalog",
        "expire",
        {"name": "f.p", "older_than": timedelta(days=7), "keep": 3, "preview": False},
    ),
    (
        "catalog describe f.p --owner ana",
        "Labelled",
        "catalog",
        "describe",
        {"name": "f.p", "owner": "ana", "description": None},
    ),
    (
        "features list --view w --query temp --kind label --owner ana --tag gold",
        "Page[Feature]",
        "features",
        "list",
        {"view": "w", "query": "temp", "kind": "label", "owner": ("ana",), "tag": ("gold",)} | PAGE,
    ),
    (
        "features views --tag gold",
        "Page[View]",
        "features",
        "views",
        {"query": None, "kind": None, "owner": (), "tag": ("gold",)} | PAGE,
    ),
    (
        "features services --query front",
        "Page[Service]",
        "features",
        "services",
        {"query": "front", "tag": ()} | PAGE,
    ),
    ("features saved", "Page[SavedSet]", "features", "saved_sets", {"query": None} | PAGE),
    ("features entities", "Page[Entity]", "features", "entities", {"query": None} | PAGE),
    ("features show w", "ViewDetail", "features", "find", {"name": "w"}),
    (
        "features search wind --owner ana --tag gold",
        "HitPage",
        "features",
        "search",
        {"words": "wind", "owner": ("ana",), "tag": ("gold",)} | PAGE,
    ),
    (
        "features online w w2:temp --key zip=02134 --key zip=LGA",
        "list[OnlineRow]",
        "features",
        "looked_up",
        {
            "features": ["w:*", "w2:temp"],
            "entities": [{"zip": "02134"}, {"zip": "LGA"}],
            "reveal": False,
        },
    ),
    (
        "features explain w --key zip=02134 --at 2026-03-01T06:00:00Z --known-only",
        "Explained",
        "features",
        "explain",
        {
            "view": "w",
            "entity": {"zip": "02134"},
            "at": datetime(2026, 3, 1, 6, tzinfo=UTC),
            "known_only": True,
            "limit": 20,
            "reveal": False,
        },
    ),
    (
        "features statistics w --reveal",
        "ViewStatistics",
        "features",
        "statistics",
        {"view": "w", "reveal": Viewer("cli"), "compute": False},
    ),
    (
        "features tag w team=a=b gold --remove old --dry-run",
        "Retagged",
        "features",
        "tag",
        {
            "view": "w",
            "add": {"team": "a=b", "gold": ""},
            "remove": ("old",),
            "write": False,
            "apply": True,
        },
    ),
    (
        "features deprecate w --note x --yes --no-apply",
        "Retagged",
        "features",
        "deprecate",
        {
            "view": "w",
            "note": "x",
            "undo": False,
            "write": True,
            "apply": False,
            "anyway": True,
        },
    ),
    (
        "features show w@v1 --compare w",
        "ViewComparison",
        "features",
        "compare_views",
        {"before": "w@v1", "after": "w"},
    ),
    ("features lineage w", "Page[Edge]", "features", "lineage", {"view": "w"}),
    (
        "features uses w",
        "Page[Use]",
        "features",
        "uses",
        {"view": "w", "limit": 50, "cursor": None},
    ),
    (
        "features snapshot ml.train --features w:temp,v:* --entities shop.rows --at when",
        "TrainingSnapshot",
        "features",
        "snapshot",
        {
            "name": "ml.train",
            "features": ["w:temp", "v:*"],
            "entities": "shop.rows",
            "at": "when",
            "full_names": False,
        },
    ),
    (
        "jobs list --state failed --label run=7",
        "Page[Job]",
        "jobs",
        "list",
        {"state": "failed", "label": ("run", "7"), "array": None} | PAGE,
    ),
    (
        "jobs list --state waiting",
        "Page[Job]",
        "jobs",
        "list",
        {"state": "waiting", "label": None, "array": None} | PAGE,
    ),
    (
        "jobs list --array 7f3a",
        "Page[Job]",
        "jobs",
        "list",
        {"state": None, "label": None, "array": "7f3a"} | PAGE,
    ),
    ("jobs requeue 7f3a", "Job", "jobs", "requeue", {"job": "7f3a"}),
    ("jobs restore 7f3a", "Job", "jobs", "restore", {"job": "7f3a"}),
    ("jobs hold 7f3a", "Job", "jobs", "hold", {"job": "7f3a"}),
    ("jobs release 7f3a", "Job", "jobs", "release", {"job": "7f3a"}),
    ("jobs priority 7f3a 90", "Job", "jobs", "prioritize", {"job": "7f3a", "priority": 90}),
    (
        (
            "jobs clone 7f3a --same-code --gpus 0.5 --memory-gib 2 --time-limit 9 --retries 0"
            " --after 77ab"
        ),
        "Job",
        "jobs",
        "clone",
        {
            "job": "7f3a",
            "same_code": True,
            "changes": {
                "gpus": 0.5,
                "memory_gib": 2.0,
                "time_limit_minutes": 9.0,
                "retries": 0,
                "after": ("77ab",),
            },
        },
    ),
    (
        "jobs clone 7f3a --memory-gib 0 --time-limit 0 --queue '' --gpus 0",
        "Job",
        "jobs",
        "clone",
        {
            "job": "7f3a",
            "same_code": False,
            "changes": {"queue": None, "gpus": 0.0, "memory_gib": None, "time_limit_minutes": None},
        },
    ),
    ("jobs code 7f3a", "CodeSnapshot", "jobs", "code", {"job": "7f3a"}),
    ("jobs diff 7f3a --limit 9", "CodeDiff", "jobs", "diff", {"job": "7f3a", "limit": 9}),
    (
        "jobs preview a.ipynb --limit 9",
        "CodePreview",
        "jobs",
        "preview",
        {"notebook": "a.ipynb", "limit": 9},
    ),
    (
        "jobs logs 7f3a --search 'Loss is' --limit 9 --cursor 5.2.1",
        "LogHits",
        "jobs",
        "search_logs",
        {"job": "7f3a", "text": "Loss is", "limit": 9, "cursor": "5.2.1"},
    ),
    ("jobs resources 7f3a", "Resources", "jobs", "resources", {"job": "7f3a", "seconds": 900.0}),
    ("jobs queue", "Page[QueuedJob]", "jobs", "queue", PAGE),
    ("jobs attempts 7f3a", "Page[AttemptRecord]", "jobs", "attempts", {"job": "7f3a"} | PAGE),
    ("jobs show 7f3a", "Job", "jobs", "show", {"job": "7f3a"}),
    ("jobs cancel 7f3a", "Job", "jobs", "cancel", {"job": "7f3a"}),
    (
        "jobs wait 7f3a 77ab --timeout 5",
        "list[Job]",
        "jobs",
        "wait",
        {"jobs": ("7f3a", "77ab"), "timeout": 5.0},
    ),
    ("jobs compute --backend slurm", "Compute", "jobs", "compute", {"backend": "slurm"}),
    ("jobs parameters a.ipynb", "list[Parameter]", "jobs", "parameters", {"notebook": "a.ipynb"}),
    ("jobs values 7f3a", "list[JobParameter]", "jobs", "values", {"job": "7f3a"}),
    ("jobs backends", "list[Backend]", "jobs", "backends", {}),
    ("jobs supervisor", "Supervisor", "jobs", "supervisor", {}),
    ("jobs supervisor start", "Supervisor", "jobs", "start", {}),
    ("jobs supervisor stop", "Supervisor", "jobs", "stop", {}),
    ("pipelines list", "Page[Pipeline]", "pipelines", "list", PAGE),
    ("pipelines show flights", "PipelineDetail", "pipelines", "show", {"name": "flights"}),
    (
        "pipelines check a.mlpipeline.yaml",
        "PipelineDetail",
        "pipelines",
        "check",
        {"path": "a.mlpipeline.yaml"},
    ),
    (
        "pipelines runs flights",
        "Page[PipelineRun]",
        "pipelines",
        "runs",
        {"name": "flights"} | PAGE,
    ),
    ("pipelines runs", "Page[PipelineRun]", "pipelines", "runs", {"name": None} | PAGE),
    ("pipelines status r1", "PipelineRun", "pipelines", "show_run", {"run": "r1"}),
    ("pipelines cancel r1", "PipelineRun", "pipelines", "cancel", {"run": "r1"}),
    (
        "pipelines resume r1 --no-wait",
        "PipelineRun",
        "pipelines",
        "resume",
        {"run": "r1", "wait": False},
    ),
    (
        (
            "pipelines run flights -p depth=6 -p name=x -p l=[1,2] -p flag=True -r text=6 --force"
            " --no-wait"
        ),
        "PipelineRun",
        "pipelines",
        "run",
        {
            "name": "flights",
            "parameters": {"depth": 6, "name": "x", "l": [1, 2], "flag": True, "text": "6"},
            "force": True,
            "wait": False,
            "on_step": None,
            "from_step": None,
            "backend": None,
        },
    ),
    (
        "pipelines run flights --from train --backend slurm --no-wait",
        "PipelineRun",
        "pipelines",
        "run",
        {
            "name": "flights",
            "parameters": {},
            "force": False,
            "from_step": "train",
            "backend": "slurm",
            "wait": False,
            "on_step": None,
        },
    ),
    (
        "pipelines repair r1 --no-wait",
        "PipelineRun",
        "pipelines",
        "repair",
        {"run": "r1", "backend": None, "wait": False, "on_step": None},
    ),
    (
        "pipelines explain flights/train -p depth=6",
        "Explanation",
        "pipelines",
        "explain",
        {"step": "flights/train", "parameters": {"depth": 6}},
    ),
    (
        (
            "pipelines backfill flights --from 2026-01-01 --to 2026-01-31 --every week -p depth=6"
            " --dry-run"
        ),
        "Backfill",
        "pipelines",
        "backfill",
        {
            "name": "flights",
            "first": "2026-01-01",
            "last": "2026-01-31",
            "every": "week",
            "parameters": {"depth": 6},
            "parallel": 4,
            "dry_run": True,
        },
    ),
    (
        "pipelines backfill flights --from 2026-01-01 --to 2026-01-02 --yes --no-wait --parallel 2",
        "Backfill",
        "pipelines",
        "backfill",
        {
            "name": "flights",
            "first": "2026-01-01",
            "last": "2026-01-02",
            "every": "day",
            "parameters": {},
            "parallel": 2,
            "wait": False,
            "on_run": None,
        },
    ),
    (
        (
            "pipelines export flights --to argo --image repo/ml:1 --secret keys --schedule nightly"
            " --output f.yaml"
        ),
        "Exported",
        "pipelines",
        "export",
        {
            "name": "flights",
            "to": "argo",
            "image": "repo/ml:1",
            "secret": "keys",
            "schedule": "nightly",
            "output": "f.yaml",
        },
    ),
    (
        "pipelines propose a.ipynb b.ipynb --name n --save",
        "Proposal",
        "pipelines",
        "propose",
        {"notebooks": ("a.ipynb", "b.ipynb"), "name": "n", "save": True},
    ),
    (
        "schedules list --limit 9",
        "Page[Schedule]",
        "schedules",
        "list",
        {"limit": 9, "cursor": None},
    ),
    ("schedules show s", "Schedule", "schedules", "show", {"name": "s"}),
    ("schedules create churn", "Schedule", "schedules", "create", {"name": "churn"}),
    (
        (
            "schedules create s --pipeline churn --cron '0 6 * * *' --tz Europe/Paris -p day='{{"
            " date }}' --catchup all --grace 2h --overlap cancel"
        ),
        "Schedule",
        "schedules",
        "create",
        {
            "name": "s",
            "pipeline": "churn",
            "facts": {
                "cron": "0 6 * * *",
                "tz": "Europe/Paris",
                "parameters": {"day": "{{ date }}"},
                "catchup": "all",
                "grace_seconds": 7200.0,
                "overlap": "cancel",
            },
        },
    ),
    (
        "schedules create s --cron '0 6 * * *' --notebook a.ipynb --gpus 1",
        "Schedule",
        "schedules",
        "create",
        {"name": "s", "job": {"notebook": "a.ipynb", "gpus": 1}, "facts": {"cron": "0 6 * * *"}},
    ),
    (
        "schedules create s --cron '0 6 * * *' -- python etl.py --json --cron x",
        "Schedule",
        "schedules",
        "create",
        {
            "name": "s",
            "job": {"command": ["python", "etl.py", "--json", "--cron", "x"]},
            "facts": {"cron": "0 6 * * *"},
        },
    ),
    (
        "schedules update s --cron '0 7 * * *' --time-limit 9",
        "Schedule",
        "schedules",
        "update",
        {"name": "s", "facts": {"cron": "0 7 * * *", "job": {"time_limit_minutes": 9.0}}},
    ),
    ("schedules pause s", "Schedule", "schedules", "pause", {"name": "s"}),
    ("schedules resume s", "Schedule", "schedules", "resume", {"name": "s"}),
    (
        "schedules run-now s --due 2026-03-28T06:00:00+01:00",
        "Firing",
        "schedules",
        "run_now",
        {"name": "s", "due": datetime(2026, 3, 28, 5, tzinfo=UTC)},
    ),
    ("schedules history s", "Page[Firing]", "schedules", "history", {"name": "s"} | PAGE),
    (
        "schedules preview '0 6 * * *' --tz Europe/Paris --count 2",
        "list[Due]",
        "schedules",
        "preview",
        {"cron": "0 6 * * *", "tz": "Europe/Paris", "count": 2},
    ),
    ("experiments list", "Page[Experiment]", "experiments", "experiments", PAGE),
    (
        "runs list flights --where 'metrics.auc > 0.9' --sort -metrics.auc",
        "Page[Run]",
        "experiments",
        "runs",
        {"experiment": "flights", "where": "metrics.auc > 0.9", "sort": "-metrics.auc"} | PAGE,
    ),
    ("runs show 9c1e", "Run", "experiments", "show", {"run": "9c1e"}),
    (
        "runs compare a b",
        "Comparison",
        "experiments",
        "compare",
        {"ids": ("a", "b"), "curves": False},
    ),
    ("models list", "Page[Model]", "experiments", "models", PAGE),
    ("models show flights", "ModelDetail", "experiments", "model", {"name": "flights"}),
    ("models show flights/2", "Version", "experiments", "version", {"ref": "flights/2"}),
    (
        "models register 9c1e --model flights",
        "Version",
        "experiments",
        "register",
        {"run": "9c1e", "model": "flights", "artifact": "model"},
    ),
    (
        "models promote flights/2 --alias champion",
        "Version",
        "experiments",
        "promote",
        {"ref": "flights/2", "alias": "champion"},
    ),
    (
        "models delete flights/2 --reason slow",
        "Version",
        "experiments",
        "delete_version",
        {"ref": "flights/2", "reason": "slow"},
    ),
    ("deployments list", "Page[Deployment]", "deployments", "list", PAGE),
    (
        (
            "deployments batch flights/3 --from f.p --into f.scored --keep id --keep '-x'"
            " --max-errors 0.2 --replace --workers 1"
        ),
        "BatchSubmission",
        "deployments",
        "batch",
        {
            "version": "flights/3",
            "source": "f.p",
            "into": "f.scored",
            "keep": ("id", "-x"),
            "answers": None,
            "max_errors": 0.2,
            "mode": "replace",
            "again": False,
            "workers": 1,
            "new": False,
            "features": None,
            "missing": None,
            "defaults": None,
            "at": "event_timestamp",
        },
    ),
    (
        (
            "deployments batch flights/3 --from f.p --into f.scored --new --features weather"
            " --features delays:mean --default mean=1.5 --missing default --at departs"
        ),
        "BatchSubmission",
        "deployments",
        "batch",
        {
            "version": "flights/3",
            "source": "f.p",
            "into": "f.scored",
            "keep": None,
            "answers": None,
            "max_errors": 0.1,
            "mode": "append",
            "again": False,
            "workers": None,
            "new": True,
            "features": ("weather", "delays:mean"),
            "missing": "default",
            "defaults": {"mean": 1.5},
            "at": "departs",
        },
    ),
    (
        "deployments traffic flights v1=90 v2=10 --reason canary",
        "Deployment",
        "deployments",
        "traffic",
        {"name": "flights", "traffic": {"v1": 90, "v2": 10}, "reason": "canary"},
    ),
    (
        "deployments promote flights v2",
        "Deployment",
        "deployments",
        "promote",
        {"name": "flights", "version": "v2", "reason": ""},
    ),
    (
        "deployments promote flights",
        "Deployment",
        "deployments",
        "promote",
        {"name": "flights", "version": None, "reason": ""},
    ),
    (
        "deployments rollback flights",
        "Deployment",
        "deployments",
        "rollback",
        {"name": "flights", "reason": ""},
    ),
    (
        "deployments shadow flights v2 --percent 40 --reason new",
        "Deployment",
        "deployments",
        "shadow",
        {"name": "flights", "version": "v2", "percent": 40, "reason": "new"},
    ),
    (
        "deployments shadow flights v2 --off",
        "Deployment",
        "deployments",
        "shadow",
        {"name": "flights", "version": "v2", "percent": 0, "reason": ""},
    ),
    (
        "deployments shadow flights v2 --report --window 30min",
        "AnswerComparison",
        "deployments",
        "shadow_report",
        {"name": "flights", "version": "v2", "window": timedelta(minutes=30)},
    ),
    (
        "deployments undo flights 7 --reason no",
        "Deployment",
        "deployments",
        "undo",
        {"name": "flights", "change": 7, "reason": "no"},
    ),
    ("deployments plan flights", "DeliveryPlan", "deployments", "plan", {"name": "flights"}),
    (
        "deployments pause flights --reason lunch",
        "DeliveryPlan",
        "deployments",
        "pause",
        {"name": "flights", "reason": "lunch"},
    ),
    (
        "deployments resume flights",
        "DeliveryPlan",
        "deployments",
        "resume",
        {"name": "flights", "reason": ""},
    ),
    (
        "deployments remove flights v1",
        "Deployment",
        "deployments",
        "remove",
        {"name": "flights", "version": "v1", "reason": ""},
    ),
    (
        "deployments history flights",
        "Page[Change]",
        "deployments",
        "history",
        {"name": "flights"} | PAGE,
    ),
    (
        "deployments manifest flights --kind kserve --image registry/flights --max-replicas 4"
        " --shadow v3 --output flights.yaml",
        "Manifests",
        "deployments",
        "manifest",
        {
            "name": "flights",
            "kind": "kserve",
            "options": ManifestOptions(image="registry/flights", max_replicas=4, shadow="v3"),
            "output": "flights.yaml",
            "crds": None,
            "traffic": None,
        },
    ),
    (
        "deployments manifest flights --target seldon",
        "Manifests",
        "deployments",
        "manifest",
        {
            "name": "flights",
            "kind": "seldon-v1",
            "options": ManifestOptions(),
            "output": None,
            "crds": None,
            "traffic": None,
        },
    ),
    (
        "deployments apply flights --kind core2 --model-uri s3://m/{version} --traffic v1=90"
        " --traffic v2=10 --context eu --context us --timeout 60",
        "list[RegionState]",
        "deployments",
        "apply",
        {
            "name": "flights",
            "kind": "core2",
            "options": ManifestOptions(model_uri="s3://m/{version}"),
            "traffic": {"v1": 90, "v2": 10},
            "contexts": ("eu", "us"),
            "timeout_seconds": 60.0,
            "on_progress": ANY,
        },
    ),
    (
        "deployments revert flights --context us",
        "list[RegionState]",
        "deployments",
        "revert",
        {"name": "flights", "contexts": ("us",), "timeout_seconds": 600.0, "on_progress": ANY},
    ),
    (
        "deployments regions flights",
        "list[RegionState]",
        "deployments",
        "regions",
        {"name": "flights"},
    ),
    (
        "deployments keys flights",
        "Page[AccessKey]",
        "deployments",
        "keys",
        {"name": "flights"} | PAGE,
    ),
    (
        "deployments keys flights create app --days 90",
        "NewKey",
        "deployments",
        "create_key",
        {"name": "flights", "label": "app", "days": 90.0},
    ),
    (
        "deployments keys flights create --name app",
        "NewKey",
        "deployments",
        "create_key",
        {"name": "flights", "label": "app", "days": None},
    ),
    (
        "deployments keys flights rotate app --grace-hours 0",
        "NewKey",
        "deployments",
        "rotate_key",
        {"name": "flights", "key": "app", "grace_hours": 0.0, "days": None},
    ),
    (
        "deployments keys flights revoke app --reason left",
        "AccessKey",
        "deployments",
        "revoke_key",
        {"name": "flights", "key": "app", "reason": "left"},
    ),
    (
        "deployments audit flights",
        "Page[AuditEntry]",
        "deployments",
        "audit",
        {"name": "flights"} | PAGE,
    ),
    (
        "deployments requests flights --version v1 --outcome failed --since 60s --shadow"
        " --cursor 9.1",
        "Page[LoggedRequest]",
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
        "deployments request flights r1",
        "LoggedRequestDetail",
        "deployments",
        "request",
        {
            "name": "flights",
            "id": "r1",
            "at": None,
            "row": 0,
            "shadow": False,
            "version": "",
        },
    ),
    (
        "deployments request flights a/b --at 2026-01-01T00:00:00Z --row 2",
        "LoggedRequestDetail",
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
        "deployments latency flights",
        "LatencySeries",
        "deployments",
        "latencies",
        {"name": "flights", "since": timedelta(hours=1)},
    ),
    (
        "deployments verdict flights --treatment v2 --measure latency",
        "VersionVerdict",
        "deployments",
        "verdict",
        {"name": "flights", "control": "", "treatment": "v2", "measure": "latency"},
    ),
    (
        "deployments compare flights flights/2",
        "LiveComparison",
        "deployments",
        "compare",
        {"name": "flights", "version": "flights/2"},
    ),
    (
        "deployments image flights v2 --into build",
        "ImageContext",
        "deployments",
        "image",
        {"name": "flights", "version": "v2", "into": "build"},
    ),
    ("deployments down flights", "list[Deployment]", "deployments", "down", {"name": "flights"}),
    ("monitors list", "Page[Monitor]", "monitoring", "list", PAGE),
    (
        "monitors status flights --since 24h",
        "MonitorFigures",
        "monitoring",
        "overview",
        {
            "name": "flights",
            "since": timedelta(hours=24),
            "version": None,
            "segment": "",
            "against": "reference",
        },
    ),
    (
        "monitors status flights --window 1h --version v2 --segment origin=JFK --against previous",
        "MonitorFigures",
        "monitoring",
        "overview",
        {
            "name": "flights",
            "since": timedelta(hours=1),
            "version": "v2",
            "segment": "origin=JFK",
            "against": "previous",
        },
    ),
    (
        "monitors series flights --metric psi --feature temp --window 7d --limit 9",
        "Page[Point]",
        "monitoring",
        "series",
        {
            "name": "flights",
            "metric": "psi",
            "feature": "temp",
            "since": timedelta(days=7),
            "version": None,
            "segment": "",
            "limit": 9,
            "cursor": None,
        },
    ),
    (
        "monitors cause flights temp --version v2",
        "FeatureCause",
        "monitoring",
        "cause",
        {"name": "flights", "feature": "temp", "version": "v2"},
    ),
    (
        "monitors labels flights truth.csv",
        "LabelReport",
        "monitoring",
        "labels",
        {"name": "flights", "source": Path("truth.csv")},
    ),
    (
        "monitors reference flights --from f.held_out --label late --score p",
        "ReferenceReport",
        "monitoring",
        "make_reference",
        {"name": "flights", "dataset": "f.held_out", "label": "late", "score": "p"},
    ),
    (
        "monitors evaluate flights --since 90min",
        "MonitorStatus",
        "monitoring",
        "evaluate",
        {"name": "flights", "since": timedelta(minutes=90)},
    ),
    (
        "monitors watch flights --name f",
        "Monitor",
        "monitoring",
        "watch",
        {"deployment": "flights", "name": "f", "segments": None, "costs": None},
    ),
    (
        "monitors watch flights --segment origin --segment month --value fn=-75 --value tp=20",
        "Monitor",
        "monitoring",
        "watch",
        {
            "deployment": "flights",
            "name": None,
            "segments": ["origin", "month"],
            "costs": {"fn": -75.0, "tp": 20.0},
        },
    ),
    *(
        (
            f"alerts list{option}",
            "Page[Alert]",
            "monitoring",
            "alerts",
            {"firing": False, "folded": folded} | PAGE,
        )
        for option, folded in (("", True), (" --all", False))
    ),
    ("alerts show m/drift", "AlertDetail", "alerts", "show", {"alert": "m/drift"}),
    (
        "alerts history m/drift",
        "Page[AlertChange]",
        "alerts",
        "history",
        {"alert": "m/drift"} | PAGE,
    ),
    (
        "alerts ack m/drift --why known",
        "AlertDetail",
        "alerts",
        "acknowledge",
        {"alert": "m/drift", "why": "known"},
    ),
    (
        "alerts silence m/drift --for 2h --why known",
        "AlertSilence",
        "alerts",
        "silence",
        {"target": "m/drift", "until": None, "span": timedelta(hours=2), "why": "known"},
    ),
    (
        "alerts silence m/drift 1h 'known for long'",
        "AlertSilence",
        "alerts",
        "silence",
        {"target": "m/drift", "until": None, "span": timedelta(hours=1), "why": "known for long"},
    ),
    (
        "alerts silence drift --until 2026-12-01 --why x",
        "AlertSilence",
        "alerts",
        "silence",
        {"target": "drift", "until": datetime(2026, 12, 1, tzinfo=UTC), "span": None, "why": "x"},
    ),
    ("alerts unsilence 3", "AlertSilence", "alerts", "unsilence", {"number": 3}),
    ("alerts silences", "Page[AlertSilence]", "alerts", "silences", PAGE),
    (
        "alerts notebook m/drift --path a.ipynb",
        "AlertNotebook",
        "alerts",
        "notebook",
        {"alert": "m/drift", "path": "a.ipynb"},
    ),
    (
        "alerts retrain m/drift --why x",
        "PipelineRun",
        "alerts",
        "retrain",
        {"alert": "m/drift", "why": "x"},
    ),
    (
        "alerts rollback m/drift",
        "Deployment",
        "alerts",
        "rollback",
        {"alert": "m/drift", "why": ""},
    ),
    ("alerts deliveries", "Page[Delivery]", "alerts", "deliveries", PAGE),
    ("rules list --monitor m", "Page[AlertRule]", "alerts", "rules", {"monitor": "m"} | PAGE),
    ("status", "dict[str, dict[str, int]]", "workbench", "status", {}),
    (
        "search late flights --kind run --kind model --limit 9",
        "HitPage",
        "workbench",
        "search",
        {"words": "late flights", "kinds": ("run", "model"), "limit": 9},
    ),
]
ELSEWHERE = {  # tested below, each for what it does besides
    "catalog sql",
    "deployments delete",
    "deployments deploy",
    "deployments explain",
    "deployments predict",
    "deployments replay",
    "deployments show",
    "deployments up",
    "down",
    "features apply",  # these two in tests/features
    "features define",
    "features check",
    "features materialize",
    "features push",
    "features use",
    "init",
    "jobs attach",
    "jobs submit",
    "monitors backfill",
    "monitors backtest",
    "monitors compare",
    "project check",
    "project show",
    "rules check",
    "rules export",
    "runs import",
    "schedules delete",
    "up",
}


def record(kind: str) -> Any:
    return made_up(eval(kind, {**_records(), "Any": Any}))


@pytest.mark.parametrize(
    ("words", "kind", "domain", "asked", "arguments"), CALLS, ids=[call[0] for call in CALLS]
)
def test_a_verb_asks_its_service_and_answers_with_the_record(
    noted: Noted,
    verb: Callable[..., Any],
    words: str,
    kind: str,
    domain: str,
    asked: str,
    arguments: dict[str, Any],
) -> None:
    noted.answer = record(kind)
    ended = verb(shlex.split(words))
    assert noted.calls == [(domain, asked, arguments)]
    plain = to_json(ended.value)
    assert (
        plain["items"] if isinstance(noted.answer, list) and isinstance(plain, dict) else plain
    ) == to_json(noted.answer)
    text = text_of(ended.value)
    assert text.strip()
    assert "object at 0x" not in text
    assert "=<" not in text


@pytest.mark.parametrize("words", ["runs import", "runs import old/mlflow.db"])
def test_an_import_says_how_many_runs_came_from_where(
    noted: Noted, verb: Callable[..., Any], words: str
) -> None:
    noted.answer = [replace(record("Imported"), store="old/mlflow.db", runs=["a", "b"], already=3)]
    assert to_json(verb(words.split()).value) == to_json(noted.answer)
    assert noted.calls == [
        ("experiments", "bring_in", {"store": words.split()[2] if words.count(" ") > 1 else None})
    ]
    (row,) = run(words.split(), Session()).value
    assert (row["store"], row["brought in"], row["here before"]) == ("old/mlflow.db", 2, 3)
    noted.answer = []
    assert "none" in text_of(run(["runs", "import"], Session()).value)


def test_every_verb_is_in_the_table() -> None:
    context = click.Context(root)
    every = set(VERBS)
    for group in groups():
        command = root.get_command(context, group)
        assert isinstance(command, click.Group)
        every |= {f"{group} {name}" for name in command.commands}
    called = {
        " ".join(shlex.split(call[0])[: 1 if call[0].split()[0] in VERBS else 2]) for call in CALLS
    }
    assert every - called == ELSEWHERE


def test_every_verb_has_help_that_ends_as_a_sentence() -> None:
    context = click.Context(root)
    for group in groups():
        command = root.get_command(context, group)
        assert isinstance(command, click.Group)
        for name, found in command.commands.items():
            assert found.help, name
            assert found.help.strip().endswith((".", "`.", "`")), f"{group} {name}"


def test_a_parameter_is_read_as_the_default_in_the_file_is(
    noted: Noted, verb: Callable[..., Any], project: Project
) -> None:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"tags": ["parameters"]},
        "source": "x = 1",
        "outputs": [],
        "execution_count": None,
    }
    (project.root / "a.ipynb").write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    (project.root / "toy.mlpipeline.yaml").write_text(
        "pipeline: toy\nparameters: {depth: 4, name: six, fail: false, depths: [1]}\nsteps: {a:"
        " {notebook: a.ipynb, params: {x: '{{ depth }}'}}}\n"
    )
    words, want = (
        "-p depth=6 -p name=6 -p fail=true -p depths=[4,6]",
        {"depth": 6, "name": "6", "fail": True, "depths": [4, 6]},
    )
    noted.answer = record("PipelineRun")
    verb(shlex.split(f"pipelines run toy {words} --no-wait"))
    noted.answer = record("ExplainedAnswers")
    verb(shlex.split(f"pipelines explain toy/a {words}"))
    noted.answer = record("Backfill")
    verb(
        shlex.split(
            "pipelines backfill toy.mlpipeline.yaml --from 2026-01-01 --to 2026-01-02 --dry-run"
            f" {words}"
        )
    )
    noted.answer = record("Schedule")
    verb(shlex.split(f"schedules create toy --cron '0 6 * * *' {words}"))
    assert [(call[2].get("facts") or call[2])["parameters"] for call in noted.calls] == [want] * 4
    noted.calls.clear()
    noted.answer = replace(record("Schedule"), pipeline="toy")
    verb(shlex.split("schedules update nightly -p name=3.10"))
    assert noted.calls[-1][2]["facts"]["parameters"] == {"name": "3.10"}


def test_a_job_that_had_ended_before_its_cancel_is_told_as_such(
    noted: Noted, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = replace(
        record("Job"), id="7f3a", state=JobState.FAILED, ended_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    for job, told in (
        (ended, True),
        (
            replace(ended, state=JobState.CANCELLED, ended_at=datetime(2999, 1, 1, tzinfo=UTC)),
            False,
        ),
    ):
        noted.answer = job
        with pytest.raises(SystemExit) as caught:
            main(["jobs", "cancel", "7f3a"])
        assert not caught.value.code
        assert ("Job 7f3a had ended before: failed." in capfd.readouterr().err) is told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("6", "no unit"),
        ("6.5", "no unit"),
        ("soon", "not a number"),
        ("0s", "above 0"),
        ("999d", "at most 366 d"),
    ],
)
def test_a_span_that_is_none_says_what_is_missing(text: str, why: str) -> None:
    with pytest.raises(BadRequest) as refused:
        span(text)
    assert why in refused.value.why


def test_a_notebook_is_submitted_with_its_options(noted: Noted, verb: Callable[..., Any]) -> None:
    noted.answer = record("Job")
    verb(
        shlex.split(
            "jobs submit a.ipynb -p n=1 -r id=007 --gpus 1 --cpus 2 --memory-gib 3.5 --time-limit"
            " 90 --env TOKEN=env:T --label run=7 --key k"
        )
    )
    spec = noted.calls[0][2]["spec"]
    assert (spec.notebook, spec.command, spec.parameters) == ("a.ipynb", (), {"n": 1, "id": "007"})
    assert (spec.gpus, spec.cpus, spec.memory_gib, spec.time_limit_minutes, spec.key) == (
        1,
        2,
        3.5,
        90.0,
        "k",
    )
    assert (spec.environment, spec.labels) == ({"TOKEN": "env:T"}, {"run": "7"})


def test_what_stands_after_two_dashes_is_the_command_whatever_it_looks_like(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = record("Job")
    command = ["python", "train.py", "--json", "--project", "x", "--", "-p", "a;b $(c)", ""]
    verb(["jobs", "submit", "--name", "n", "--", *command])
    spec = noted.calls[0][2]["spec"]
    assert (spec.notebook, spec.name, spec.command) == (None, "n", tuple(command))


def test_a_deployment_is_called_after_its_model_unless_it_is_named(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = record("Deployment")
    verb(["deployments", "deploy", "flights/2", "--canary", "10"])
    verb(
        [
            "deployments",
            "deploy",
            "flights/v7",
            "--name",
            "f",
            "--traffic",
            "5",
            "--reason",
            "r",
        ]
    )
    shown = verb(["deployments", "deploy", "Churn_2026/1"]).value
    assert shown["version"] == "v1"
    assert {"name", "url", "urls", "versions", "gates"} <= set(shown)
    first, second, third = (call[2] for call in noted.calls)
    assert third["name"] == "churn-2026", "a model's name may be none of a deployment"
    assert (first["name"], first["version"], first["traffic"]) == ("flights", "flights/2", 10)
    assert (first["features"], first["missing"], first["defaults"]) == (None, None, None)
    assert (second["name"], second["version"], second["traffic"], second["reason"]) == (
        "f",
        "flights/v7",
        5,
        "r",
    )


def test_a_deploy_that_a_test_stops_prints_its_tests_and_fails(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    gates = [
        Gate(name="start", limit="it starts", measured="2 in 1 s", passed=True),
        Gate(name="memory", limit="grows by 1 MiB", measured="nobody knows", passed=None),
        Gate(name="rows", limit="each is answered", measured="row 3 hangs", passed=False),
    ]
    made = record("Deployment")
    stopped = replace(made, versions=[replace(made.versions[0], version="v2", gates=gates)])

    def deploy(*_: object, **__: object) -> None:
        raise Stopped("flights/2 did not pass its tests.", "rows: row 3 hangs.", "Correct it.")

    noted.__dict__["deployments"] = SimpleNamespace(
        deploy=deploy, show=lambda name: SimpleNamespace(deployment={"flights": stopped}[name])
    )
    ended = verb(["deployments", "deploy", "flights/2"])
    assert ended.exit_code == 1
    assert ended.error.why == "rows: row 3 hangs."
    assert {"name", "url", "urls"} <= set(ended.value)
    assert ended.value["version"] == "v2"
    assert ended.value["gates"] == [
        {"name": "start", "passed": True, "value": "2 in 1 s", "limit": "it starts"},
        {"name": "memory", "passed": None, "value": "nobody knows", "limit": "grows by 1 MiB"},
        {"name": "rows", "passed": False, "value": "row 3 hangs", "limit": "each is answered"},
    ]


def test_features_are_named_with_what_their_missing_values_become(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = record("Deployment")
    words = ["--features", "weather", "--features", "carriers:delay", "--default", "delay=1.5"]
    verb(["deployments", "deploy", "flights/2", *words, "--default", "sky=a=b"])
    options = noted.calls[0][2]
    assert options["features"] == ("weather", "carriers:delay")
    assert options["defaults"] == {"delay": 1.5, "sky": "a=b"}
    with pytest.raises(BadRequest, match="COLUMN=VALUE"):
        verb(["deployments", "deploy", "flights/2", "--features", "w", "--default", "delay"])


def test_a_deploy_by_steps_or_as_a_shadow_is_one_value_for_the_service(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = record("Deployment")
    verb(["deployments", "deploy", "flights/2", "--steps", "5,25,100", "--every", "10m"])
    verb(["deployments", "deploy", "flights/2", "--shadow"])
    verb(["deployments", "deploy", "flights/2", "--shadow", "--copies", "25"])
    verb(["deployments", "deploy", "flights/2"])
    first, second, third, fourth = (call[2] for call in noted.calls)
    assert first["delivery"] == DeliverySpec(steps=(5, 25, 100), every_seconds=600)
    assert second["delivery"] == DeliverySpec(shadow=100)
    assert third["delivery"] == DeliverySpec(shadow=25)
    assert "delivery" not in fourth
    refused = (["--every", "10m"], ["--copies", "5"], ["--steps", "5,x"], ["--steps", "25,5"])
    for words in refused:
        with pytest.raises(BadRequest):
            verb(["deployments", "deploy", "flights/2", *words])


def test_a_replay_says_how_far_it_is(noted: Noted, verb: Callable[..., Any]) -> None:
    noted.answer = record("AnswerComparison")
    shown = verb(["deployments", "replay", "flights", "--version", "v2", "--window", "7d"]).value
    assert {"agreement", "score_shift", "latency", "rows"} <= set(to_json(shown))
    ((_, asked, arguments),) = noted.calls
    assert callable(arguments.pop("on_progress"))
    expected = {"name": "flights", "version": "v2", "window": timedelta(days=7), "rows": None}
    assert (asked, arguments) == ("replay", expected)


def test_a_shown_deployment_has_its_own_fields_at_the_top(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = record("DeploymentDetail")
    shown = verb(["deployments", "show", "flights"]).value
    assert {"name", "url", "versions", "history", "signature", "sample", "code"} <= set(shown)
    assert shown["versions"][0].keys() >= {"version", "traffic", "state"}


@pytest.mark.parametrize("name", ["rows.json", "rows.csv", "rows.parquet"])
def test_rows_to_predict_come_from_a_file(
    noted: Noted, verb: Callable[..., Any], project: Project, name: str
) -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    {"json": frame.write_json, "csv": frame.write_csv, "parquet": frame.write_parquet}[
        name.rpartition(".")[2]
    ](project.root / name)
    noted.answer = record("Prediction")
    given = ["--param", "factor=0.5", "--param", 'names=["z"]', "--param", "unit=kg"]
    verb(["deployments", "predict", "flights", "--rows", name, "--version", "v1", *given])
    noted.answer = record("ExplainedAnswers")
    verb(["deployments", "explain", "flights", "--rows", name, "--version", "v1"])
    assert noted.calls[1][1] == "explain"
    assert len(noted.calls[1][2]["rows"]) == 2
    rows = noted.calls[0][2]["rows"]
    assert (rows if isinstance(rows, list) else rows.to_dicts()) == frame.to_dicts()
    assert noted.calls[0][2]["version"] == "v1"
    assert noted.calls[0][2]["params"] == {"factor": 0.5, "names": ["z"], "unit": "kg"}


def test_rows_to_predict_from_a_file_without_an_end_are_refused(
    noted: Noted, verb: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.faces.parse.MOST_ROWS", 1 << 20)
    with pytest.raises(TooLarge, match="/dev/zero is too large"):
        verb(["deployments", "predict", "flights", "--rows", "/dev/zero"])
    assert noted.calls == []


def test_a_csv_may_have_a_fraction_after_many_whole_numbers(tmp_path: Path) -> None:
    numbers = [*map(str, range(120)), "0.5"]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["x", *numbers]))
    assert rows(str(file))["x"].to_list() == [float(number) for number in numbers]


def test_moments_and_spans_are_read(noted: Noted, verb: Callable[..., Any]) -> None:
    noted.answer = [record("Materialized")]
    verb(
        [
            "features",
            "materialize",
            "w",
            "--start",
            "2013-01-02",
            "--end",
            "2013-01-03T04:00:00+01:00",
        ]
    )
    asked = noted.calls[0][2]
    assert (asked["view"], asked["start"], asked["end"]) == (
        ("w",),
        datetime(2013, 1, 2, tzinfo=UTC),
        datetime(2013, 1, 3, 3, tzinfo=UTC),
    )


def test_a_range_is_written_in_parts_or_everything_again(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = [record("Materialized")]
    verb(["features", "materialize", "w", "--since", "7d", "--every", "12h"])
    verb(["features", "materialize", "--full"])
    first, second = (call[2] for call in noted.calls)
    assert (first["start"], first["every"]) == (timedelta(days=7), timedelta(hours=12))
    assert (second["view"], second["start"], second["full"]) == (None, None, True)


def test_the_online_values_of_one_entity_are_one_object(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = record("list[OnlineRow]")[:1]
    ended = verb(["features", "online", "w", "--key", "zip=02134"])
    assert noted.calls[0][2]["entities"] == [{"zip": "02134"}]
    assert to_json(ended.value) == to_json(noted.answer[0])
    assert {"values", "status"} <= to_json(ended.value).keys()


def test_a_check_that_finds_differences_fails_and_answers_with_what_it_found(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    noted.answer = replace(record("SkewReport"), passed=True)
    assert verb(["features", "check", "w", "--sample", "50"]) is not None
    assert noted.calls == [("features", "check", {"view": "w", "sample": 50, "reveal": False})]
    noted.answer = replace(noted.answer, passed=False)
    ended = verb(["features", "check", "w"])
    assert ended.exit_code == 1
    assert to_json(ended.value)["passed"] is False
    assert "are not those of its source" in ended.error.what


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.jsonl", '{"user": "7"}\n\n{"user": "8"}\n'),
        ("rows.json", ' [{"user": "7"}, {"user": "8"}]'),
        ("rows.csv", "user\n7\n8\n"),
    ],
)
def test_rows_to_push_are_read_from_files(
    noted: Noted, verb: Callable[..., Any], tmp_path: Path, name: str, text: str
) -> None:
    noted.answer = record("Pushed")
    (tmp_path / name).write_text(text)
    verb(["features", "push", "events", str(tmp_path / name), "--to", "both"])
    asked = noted.calls[0][2]
    found = asked["rows"] if isinstance(asked["rows"], list) else asked["rows"].to_dicts()
    assert (asked["name"], asked["to"]) == ("events", "both")
    assert found == [{"user": "7"}, {"user": "8"}]


def test_a_schedule_is_deleted(noted: Noted, verb: Callable[..., Any]) -> None:
    assert verb(["schedules", "delete", "s"]).value == {"deleted": "s"}
    assert noted.calls == [("schedules", "delete", {"name": "s"})]


class Engines:
    """A workbench with a supervisor, two jobs and two deployments, one of which runs."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        ids = {"starting": [], "running": ["7f3a", "77ab"] if pid else []}
        self.jobs = SimpleNamespace(
            supervisor=lambda: SimpleNamespace(pid=self.pid),
            list=lambda state, limit, cursor: SimpleNamespace(
                cursor=None, items=[SimpleNamespace(id=id) for id in ids[state]]
            ),
        )
        states = {"flights": "healthy" if pid else "down", "old": "down"}
        self.deployments = SimpleNamespace(
            list=lambda limit, cursor: SimpleNamespace(
                cursor=None,
                items=[SimpleNamespace(name=name, state=state) for name, state in states.items()],
            )
        )

    def up(self) -> dict[str, Any]:
        self.pid = self.pid or 7
        return {"supervisor": self.pid, "deployments": ["flights", "old"]}

    def down(self) -> dict[str, Any]:
        self.pid = None
        return {"supervisor": None, "deployments": ["flights", "old"]}


@pytest.mark.parametrize(
    ("words", "pid", "json", "answer"),
    [
        ("up", 5, False, {"supervisor": "was running (process 5)", "deployments": "flights, old"}),
        ("up", None, False, {"supervisor": "started (process 7)", "deployments": "flights, old"}),
        ("up", None, True, {"supervisor": 7, "deployments": ["flights", "old"]}),
        (
            "down",
            5,
            False,
            {
                "supervisor": "stopped (process 5)",
                "deployments": "stopped: flights",
                "jobs": "cancelled: 7f3a, 77ab",
            },
        ),
        (
            "down",
            None,
            False,
            {
                "supervisor": "none was running",
                "deployments": "none was running",
                "jobs": "none was running",
            },
        ),
        (
            "down",
            5,
            True,
            {
                "supervisor": None,
                "deployments": ["flights", "old"],
                "stopped": {"supervisor": 5, "deployments": ["flights"], "jobs": ["7f3a", "77ab"]},
            },
        ),
    ],
)
def test_up_and_down_say_what_they_did(
    words: str, pid: int | None, json: bool, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench, "current", lambda path=None: Engines(pid))
    assert run([words], Session(json=json, say=lambda _: None)).value == answer


@pytest.mark.parametrize("words", ["cancel", "requeue", "restore", "hold", "release"])
def test_several_jobs_have_the_same_done_to_them_and_one_that_is_refused_keeps_no_other_from_it(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def act(id: str) -> Any:
        asked.append(id)
        if id == "bad":
            raise Conflict("Job bad is succeeded.")
        return replace(record("Job"), id=id)

    monkeypatch.setattr(
        workbench,
        "current",
        lambda path=None: SimpleNamespace(jobs=SimpleNamespace(**{words: act})),
    )
    ended = run(["jobs", words, "7f3a", "bad", "77ab"], Session(json=True))
    assert asked == ["7f3a", "bad", "77ab"]
    assert [job.id for job in ended.value.items] == ["7f3a", "77ab"]
    assert isinstance(ended.error, Conflict)
    assert ended.exit_code == 1
    assert run(["jobs", words, "7f3a", "77ab"], Session(json=True)).error is None


def test_the_queue_shows_people_what_runs_above_what_waits(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    running, waiting = (
        replace(record("Job"), id="7f3a", name="fit"),
        replace(record("QueuedJob").job, id="77ab", name="later"),
    )
    queued = [replace(record("QueuedJob"), job=waiting)]

    def list_jobs(*, state: str, limit: int) -> Any:
        return page_of([running] if state == "running" else [], limit=limit)

    jobs = SimpleNamespace(
        list=list_jobs, queue=lambda limit, cursor: page_of(queued, limit=limit, cursor=cursor)
    )
    monkeypatch.setattr(
        workbench, "current", lambda path=None: SimpleNamespace(jobs=jobs, project=project)
    )
    with pytest.raises(SystemExit):
        main(["jobs", "queue"])
    said = capfd.readouterr().out
    assert (
        0 <= said.index("Running") < said.index("7f3a") < said.index("Waiting") < said.index("77ab")
    )
    queued.clear()
    with pytest.raises(SystemExit):
        main(["jobs", "queue"])
    said = capfd.readouterr().out
    assert "7f3a" in said
    assert said.endswith("Nothing waits.\n")


def test_what_is_no_notebook_is_pointed_to_a_command(
    noted: Noted, verb: Callable[..., Any]
) -> None:
    typed = {
        "train.py": "python train.py",
        "train.sh": "train.sh",
        "python train.py": "python train.py",
        "python train.py --lr 0.1 'a b'": "python train.py --lr 0.1 'a b'",
        "--gpus 1 python train.py": "python train.py",
    }
    for words, command in typed.items():
        with pytest.raises(BadRequest) as caught:
            verb(["jobs", "submit", *shlex.split(words)])
        assert caught.value.fix.endswith(f": mlinfra jobs submit -- {command}")
    with pytest.raises(BadRequest, match=r"b\.ipynb is one argument too many"):
        verb(["jobs", "submit", "a.ipynb", "b.ipynb"])
    assert noted.calls == []


def test_more_retries_than_rest_takes_are_refused(
    noted: Noted, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["jobs", "submit", "--retries", "1001", "--", "true"])
    assert caught.value.code
    assert "1001 is not in the range 0<=x<=1000" in capfd.readouterr().err
    assert noted.calls == []


def test_a_shell_is_started_where_and_as_its_job_runs(
    noted: Noted,
    project: Project,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted.answer = Attachment(
        command=["sh", "-c", "echo $MARK in $PWD; exit 7"],
        folder=str(project.root),
        environment={"MARK": "ours"},
        note="It has ended.",
    )
    with pytest.raises(SystemExit) as refused:
        main(["jobs", "attach", "7f3a"])
    assert refused.value.code == 2
    assert "A shell needs a terminal." in capfd.readouterr().err
    monkeypatch.setattr("sys.stdin", Typed())
    with pytest.raises(SystemExit) as ended:
        main(["jobs", "attach", "7f3a"])
    assert ended.value.code == 7
    assert tuple(capfd.readouterr()) == (f"ours in {project.root}\n", "It has ended.\n")
    with pytest.raises(SystemExit):
        main(["jobs", "attach", "7f3a", "--json"])
    # The environment may hold secrets.
    assert set(json.loads(capfd.readouterr().out)) == {"command", "folder", "note"}


def test_a_log_that_was_cleared_away_says_so_beside_its_text(
    noted: Noted, project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    noted.answer = LogChunk(
        text="", offset=0, next=0, size=0, ended=True, note="The log was cleared away."
    )
    with pytest.raises(SystemExit):
        main(["jobs", "logs", "7f3a"])
    assert tuple(capfd.readouterr()) == ("", "The log was cleared away.\n")


def test_people_see_an_answer_to_sql_as_a_table(
    noted: Noted, project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    noted.answer = pl.DataFrame({"year": [2013, 2014], "word": ["a", None], "big": [1234567, 1]})
    with pytest.raises(SystemExit):
        main(["catalog", "sql", "SELECT 1"])
    assert capfd.readouterr().out.splitlines() == [
        "year  word      big",
        "2013  a     1234567",
        "2014  –           1",
    ]
    noted.answer = pl.DataFrame({"year": []})
    with pytest.raises(SystemExit):
        main(["catalog", "sql", "SELECT 1"])
    assert capfd.readouterr().out == "no rows\n"


def test_sql_answers_with_rows(noted: Noted, verb: Callable[..., Any]) -> None:
    noted.answer = SqlAnswer(columns=["a", "n"], rows=[[1, None]], masked=["n"])
    words = ["catalog", "sql", "SELECT $x", "-p", "x=1", "-r", "y=2", "--limit", "9"]
    value = to_json(verb(words).value)
    assert {"columns": ["a", "n"], "rows": [[1, None]], "masked": ["n"]}.items() <= value.items()
    asked = {"query": "SELECT $x", "parameters": {"x": 1, "y": "2"}, "limit": 9, "reveal": False}
    assert noted.calls == [("catalog", "answer", asked)]


def test_sql_into_a_dataset_writes_the_whole_answer(noted: Noted, verb: Callable[..., Any]) -> None:
    noted.answer = record("IngestReport")
    assert verb(["catalog", "sql", "SELECT 1 AS x", "--out", "a.b"]).value == noted.answer
    asked = {"query": "SELECT 1 AS x", "into": "a.b", "parameters": {}, "limit": None}
    assert noted.calls == [("catalog", "sql_into", {**asked, "reveal": False})]


@pytest.mark.parametrize(
    ("words", "kind", "change", "code"),
    [
        ("alerts list --firing", "Page[Alert]", {}, 1),
        ("alerts list", "Page[Alert]", {}, 0),
        ("alerts list --firing", "Page[Alert]", {"items": [], "shown": 0, "total": 0}, 0),
        ("pipelines status r", "PipelineRun", {}, 0),
    ],
)
def test_an_outcome_is_in_the_exit_code(
    noted: Noted, verb: Callable[..., Any], words: str, kind: str, change: dict[str, Any], code: int
) -> None:
    noted.answer = type(record(kind))(
        **{name: getattr(record(kind), name) for name in record(kind).__dataclass_fields__} | change
    )
    assert verb(words.split()).exit_code == code


@pytest.mark.parametrize(
    ("state", "code"),
    [("succeeded", 0), ("failed", 1), ("cancelled", 1), ("lost", 1), ("running", 1)],
)
def test_waiting_for_jobs_that_do_not_succeed_is_a_failure_that_names_them(
    noted: Noted, verb: Callable[..., Any], state: str, code: int
) -> None:
    from jupyter_mlinfra.jobs import JobState

    job = record("Job")
    noted.answer = [
        type(job)(
            **{name: getattr(job, name) for name in job.__dataclass_fields__}
            | {"state": JobState(state), "id": "7f3a", "reason": "Exit code 3."}
        )
    ]
    ended = verb(["jobs", "wait", "7f3a"])
    assert ended.exit_code == code
    assert (ended.error is None) == (code == 0)
    if ended.error:
        assert "7f3a" in ended.error.why
        assert ".." not in ended.error.why


def test_a_failed_pipeline_run_prints_its_steps_and_why_and_exits_1(
    noted: Noted,
    project: Project,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from jupyter_mlinfra.pipelines.spec import PipelineRun, RunState, StepRun, StepState

    step = StepRun(
        name="train",
        state=StepState.FAILED,
        job="7f3a",
        notebook="out.ipynb",
        reason="cell 3: KeyError",
        started_at=None,
        ended_at=None,
    )
    at = datetime(2013, 1, 2, tzinfo=UTC)
    noted.answer = failed = PipelineRun(
        run="r1",
        pipeline="flights",
        state=RunState.FAILED,
        steps=[step],
        parameters={},
        user="ana",
        started_at=at,
        ended_at=at,
    )
    with pytest.raises(SystemExit) as ended:
        main(["pipelines", "run", "flights", "--json"])
    value = json.loads(capfd.readouterr().out)
    assert ended.value.code == 1
    assert (value["run"], value["state"], value["steps"][0]["state"]) == ("r1", "failed", "failed")
    assert value["error"]["why"] == "train: cell 3: KeyError."
    with pytest.raises(SystemExit):
        main(["pipelines", "run", "flights"])
    said = capfd.readouterr()
    assert "train" in said.out
    assert said.err.splitlines()[-3:] == [
        "error: Pipeline flights failed.",
        "  why: train: cell 3: KeyError.",
        "  fix: mlinfra jobs logs 7f3a",
    ]
    done = SimpleNamespace(
        pipelines=SimpleNamespace(run=lambda *_, **__: failed),
        jobs=SimpleNamespace(show=lambda _: SimpleNamespace(state="succeeded")),
    )
    monkeypatch.setattr(workbench, "current", lambda path=None: done)
    found = run(["pipelines", "run", "flights"], Session(say=lambda _: None))
    assert found.error is not None
    assert found.error.fix.startswith("Write it there in the notebook of step train")


class Typed(StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "runs"), [("y\n", 2), ("n\n", 1), ("", 1)])
def test_a_backfill_says_how_much_it_is_and_asks(
    noted: Noted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    runs: int,
) -> None:
    noted.answer = record("Backfill")
    monkeypatch.setattr("sys.stdin", Typed(typed))
    with pytest.raises(SystemExit):
        main(["pipelines", "backfill", "flights", "--from", "2026-01-01", "--to", "2026-01-02"])
    assert [arguments.get("dry_run", False) for _, _, arguments in noted.calls] == [True, False][
        :runs
    ]
    assert "runs 1 of 1 date, 1 step to run and 1 from the cache" in capsys.readouterr().err


def test_a_backfill_that_nobody_can_be_asked_about_is_refused_and_json_does_not_ask(
    noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted.answer = record("Backfill")
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    words = ["pipelines", "backfill", "flights", "--from", "2026-01-01", "--to", "2026-01-02"]
    with pytest.raises(BadRequest, match="--yes"):
        run(words, Session())
    assert [arguments.get("dry_run", False) for _, _, arguments in noted.calls] == [True]
    run(words, Session(json=True))
    assert noted.calls[-1][2].get("dry_run", False) is False


def test_a_backfill_with_a_date_that_failed_is_a_failure_that_names_it(noted: Noted) -> None:
    from jupyter_mlinfra.pipelines.spec import RunState

    plan = record("Backfill")
    date = replace(plan.dates[0], date="2026-01-01", run="9c1e", state=RunState.FAILED)
    noted.answer = replace(
        plan, dates=[date, replace(date, date="2026-01-02", state=RunState.SUCCEEDED)], runs=2
    )
    ended = run(
        ["pipelines", "backfill", "flights", "--from", "2026-01-01", "--to", "2026-01-02", "--yes"],
        Session(),
    )
    assert ended.exit_code == 1
    assert ended.error is not None
    assert (ended.error.why, ended.error.fix) == (
        "1 of 2 dates: 2026-01-01.",
        "mlinfra pipelines repair 9c1e",
    )
