"""Feast's own online store, as the feature store asks it; in a bundle the module itself is in the
place of this one.
"""

from jupyter_mlinfra.core.feast_online.feast_itself import FeastStore

__all__ = ["FeastStore"]
