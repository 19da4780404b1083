"""Which engine serves a PyTorch model: onnxruntime if its export was proved equal, else torch.

The export runs in an environment with the model's own requirements, in a process of its own that is
killed after EXPORT_SECONDS (see `runtime.torch_export`). Whatever happens to it, the model is
served: by torch, and the report says why. The bundle that is served holds the report, and the ONNX
file beside the model's own files.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import MLInfraError, Unprocessable
from ..core.processes import TOKEN, end_token
from . import environment
from .packaging import RUNTIME_NAME, Bundle, damage, load_bundle, with_export
from .targets.inherited import inherited_variables

EXPORT = environment.Recipe(
    "environment of the export",
    packages=("onnx>=1.18", "onnxruntime>=1.20", "onnxscript>=0.3", "orjson>=3.10"),
    overrides=environment.NO_GPU,
    defaults=("numpy>=2",),
)
EXPORT_SECONDS = 600
GRACE_SECONDS = 10
"""The process ends itself; after this time more it is killed."""

_SERVED_BY = ("onnxruntime", "numpy")
"""Libraries of an exported model, in the versions with which it was compared."""


def with_engine(
    bundle: Bundle, cache: Path, on_progress: Callable[[str], None] = lambda _: None
) -> Bundle:
    """The bundle to be served: that of a PyTorch model with its report, any other one as it is. An
    export that was carried out before is not repeated. cache: of the environments. The caller has
    checked that the model is trusted.
    """
    if bundle.engine != "torch" or bundle.export:
        return bundle
    if (known := _known(bundle)) is not None:
        return known
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = {**_report(bundle, cache, folder, on_progress), "of": bundle.id}
        report.setdefault("rows_at_once", 0)
        on_progress(said(report))
        is_onnx = report["engine"] == "onnx"
        requirements = [f"{name}=={report['versions'][name]}" for name in _SERVED_BY * is_onnx]
        return with_export(
            bundle,
            report,
            onnx=folder / "model.onnx" if is_onnx else None,
            requirements=requirements or bundle.requirements,
        )


def said(report: Mapping[str, Any]) -> str:
    """A report in one sentence: which engine, and why."""
    if report["engine"] != "onnx":
        return f"torch, because {report['why']}" + _at_once(report)
    sizes = ", ".join(str(size) for size in report["batches"])
    return (
        f"onnxruntime: within {report['difference']:.2g} of torch's answers to {report['rows']}"
        f" rows in batches of {sizes}{_at_once(report)}"
    )


def _at_once(report: Mapping[str, Any]) -> str:
    if not report.get("rows_at_once"):
        return ""
    return "; it was logged for batches of one row, and is asked row by row"


def _known(bundle: Bundle) -> Bundle | None:
    """What an earlier export of the same bundle came to; None if it came to no end."""
    for file in sorted(bundle.folder.parent.glob("*/bundle.json")):
        with contextlib.suppress(Unprocessable):
            found = load_bundle(file.parent)
            report = found.export
            if report.get("of") == bundle.id and report.get("ended") and not damage(found.folder):
                os.utime(found.folder)  # it is in use, and must not be removed
                return found
    return None


def _report(
    bundle: Bundle, cache: Path, folder: Path, on_progress: Callable[[str], None]
) -> Mapping[str, Any]:
    """Export in a process of its own. ended: whether the next export would come to the same."""
    try:
        python = environment.ensure(
            bundle.requirements,
            cache,
            recipe=EXPORT,
            python=bundle.python,
            on_progress=on_progress,
        )
    except MLInfraError as error:
        return {"engine": "torch", "why": f"{error.what} {error.why}", "ended": False}
    on_progress("exporting the model to ONNX, and comparing its answers")
    code = _run(bundle, python, folder)
    try:
        report = json.loads((folder / "report.json").read_text())
    except (OSError, ValueError):
        report = {}
    if code == 0 and report:
        return {**report, "ended": True}
    kept = {name: report[name] for name in ("tolerance", "rows_at_once") if name in report}
    return {**kept, "engine": "torch", "why": _why_killed(code, folder), "ended": False}


def _why_killed(code: int | None, folder: Path) -> str:
    if code in (None, -signal.SIGALRM):
        return f"the export took over {EXPORT_SECONDS} s"
    lines = (folder / "export.log").read_text(errors="replace").strip().splitlines()
    ended = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return f"the export ended its process ({ended}){f': {lines[-1][:200]}' if lines else ''}"


def _run(bundle: Bundle, python: Path, folder: Path) -> int | None:
    """The exit code of the export; None if it had to be killed. Whatever it started ends with it,
    and with the deploy.
    """
    token = f"mlinfra-export-{uuid.uuid4().hex}"
    arguments = [str(bundle.folder), str(folder), str(EXPORT_SECONDS)]
    variables = {
        **inherited_variables(os.environ),
        TOKEN: token,
        "PYTHONPATH": str(bundle.folder),
        "PYTHONPYCACHEPREFIX": str(environment.bytecode_folder(python)),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MLFLOW_TRACKING_URI": folder.as_uri(),
    }
    with open(folder / "export.log", "wb") as log:
        process = subprocess.Popen(
            [str(python), "-m", f"{RUNTIME_NAME}.torch_export", *arguments],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            return process.wait(timeout=EXPORT_SECONDS + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill()
            process.wait()
            end_token(token, grace_seconds=0)
