"""Who acts: the job, the notebook cell, or the user at a prompt."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .project import Project


def actor(project: Project) -> str:
    """`job:ID` inside a job, `notebook:PATH#CELL` inside a notebook, else `user:NAME`."""
    if job := os.environ.get("MLINFRA_JOB"):
        return f"job:{job}"
    if notebook := session_notebook(project.root):
        return f"notebook:{notebook}" + (f"#{cell}" if (cell := _cell()) else "")
    return f"user:{project.user}"


def session_notebook(root: Path) -> str:
    """The notebook of this kernel, relative to the project's root if it lies below it; empty
    outside a notebook.
    """
    # Jupyter Server gives a kernel the path of its notebook.
    session = os.environ.get("JPY_SESSION_NAME", "")
    if not session.endswith(".ipynb"):
        return ""
    full = Path(os.path.abspath(session))
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else session


def _cell() -> str:
    """Id of the running cell (JupyterLab sends it), else its execution count."""
    # A process without IPython has no cells, and must not load it to find out.
    package = sys.modules.get("IPython")
    shell: Any = package.get_ipython() if package else None
    if shell is None:
        return ""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return str((parent or {}).get("metadata", {}).get("cellId") or f"In[{shell.execution_count}]")
