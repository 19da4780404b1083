"""The noun that the verbs of every room are added to."""

from __future__ import annotations

from ....faces.cli import Noun

features = Noun("features", "Feature views: columns that training and serving read alike.")
