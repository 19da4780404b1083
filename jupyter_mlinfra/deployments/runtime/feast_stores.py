"""The readers of Feast's online stores, as the feature store has them; in a bundle the module
itself is in the place of this one.
"""

from jupyter_mlinfra.core.feast_online.feast_stores import Column, Keys, Store, direct_store

__all__ = ["Column", "Keys", "Store", "direct_store"]
