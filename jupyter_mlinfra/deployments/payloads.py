"""Old names of the payload log, whose home is `payload_log`."""

from .payload_log.compacting import compact, prune
from .payload_log.frames import BASE_COLUMNS
from .payload_log.reading import dropped, feedback, refused, scan

__all__ = ["BASE_COLUMNS", "compact", "dropped", "feedback", "prune", "refused", "scan"]
