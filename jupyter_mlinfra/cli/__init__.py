"""The `mlinfra` command line: one group a domain, the same verbs as everywhere else."""

from .main import main

__all__ = ["main"]
