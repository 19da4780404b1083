"""Windowed aggregations, as they were known at a time.

The rule, which tests compare with a search over all events. For an entity row at time t, an
aggregation with window W and hop h (the hop of its view, or its slide, or else W) looks at the
window that ended last: with e = t rounded down to a multiple of h since 1970 (UTC), the events of
the key with e - W <= event time < e. Without a window it looks at all events before e.

- Where created times are asked to count, only events count whose created time is at or before t.
- Null and NaN count as no value. Without any value count and count_distinct are 0, all else is
  null; std and var, those of a sample, need two.
- The value is as old as e, the latest one of the view: where t - e is more than the ttl, it is
  null.
- Entity rows without a key (null or NaN) or a time get nulls.

How it is computed. Events become tiles (`tiles.py`), the longest that fit into every hop and every
window. A window is the end of one block of tiles and the beginning of the next, if blocks are as
long as the window; so one pass that adds up each block in both directions answers all windows, with
two look-ups each, whatever the function (`sliding.py`; van Herk 1992, Gil and Werman 1993). Nothing
is subtracted, so nothing cancels out. Events that were created after their tile had ended are kept
apart and added to the entity rows that knew them (`late.py`).
"""

from __future__ import annotations

from .plan import TAG, check_windows, plan_of, tagged, windows_in, windows_of
from .tiles import TileFrames, Tiles

__all__ = [
    "TAG",
    "TileFrames",
    "Tiles",
    "check_windows",
    "plan_of",
    "tagged",
    "windows_in",
    "windows_of",
]
