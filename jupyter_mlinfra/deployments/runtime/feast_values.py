"""The values of Feast's online stores, as the feature store reads them; in a bundle the module
itself is in the place of this one.
"""

from jupyter_mlinfra.core.feast_online.feast_values import SIMPLE

__all__ = ["SIMPLE"]
