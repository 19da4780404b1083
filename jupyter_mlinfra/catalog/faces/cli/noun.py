"""The noun that the verbs of every room are added to."""

from __future__ import annotations

from ....faces.cli import Noun

catalog = Noun("catalog", "Datasets: tables that the workbench can search, version and trace.")
