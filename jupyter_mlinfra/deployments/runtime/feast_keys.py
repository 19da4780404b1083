"""The keys of Feast's online stores, as the feature store makes them; in a bundle the module itself
is in the place of this one.
"""

from jupyter_mlinfra.core.feast_online.feast_keys import KINDS, NO_KEY, typed

__all__ = ["KINDS", "NO_KEY", "typed"]
