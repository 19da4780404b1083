"""What a notebook calls: `ml.dataset(…)`, `ml.submit(…)`, `ml.deployment(…).rollback()`.

Each handle holds a name, asks its domain when it is used, and has the verbs of its domain; it
prints the record that a panel shows.
"""

from .catalog import dataset, explore, ingest, search, sql, write
from .deployments import DeploymentHandle, deployment
from .experiments import ModelHandle, RunHandle, RunList, model, run, runs, track, verdict
from .features import FeatureSelection, FeatureStoreHandle, feature_store, features
from .jobs import JobHandle, JobValue, job, submit
from .monitoring import AlertHandle, MonitorHandle, alert, monitor
from .pipelines import PipelineHandle, ScheduleHandle, StepHandle, pipeline, schedule

__all__ = [
    "AlertHandle",
    "DeploymentHandle",
    "FeatureSelection",
    "FeatureStoreHandle",
    "JobHandle",
    "JobValue",
    "ModelHandle",
    "MonitorHandle",
    "PipelineHandle",
    "RunHandle",
    "RunList",
    "ScheduleHandle",
    "StepHandle",
    "alert",
    "dataset",
    "deployment",
    "explore",
    "feature_store",
    "features",
    "ingest",
    "job",
    "model",
    "monitor",
    "pipeline",
    "run",
    "runs",
    "schedule",
    "search",
    "sql",
    "submit",
    "track",
    "verdict",
    "write",
]
