"""Whether a new version is better, asked as often as one likes: confidence sequences, a check of
the traffic's ratio, and the verdict that follows from both.
"""

from .judging import Arm, Look, Verdict, arm, judge, outcomes_needed, verdict
from .ratio import ratio_p_value
from .sequences import (
    bounded_mean,
    equality_evidence,
    mean_difference,
    normal_boundary,
    proportion,
    proportion_difference,
)

__all__ = [
    "Arm",
    "Look",
    "Verdict",
    "arm",
    "bounded_mean",
    "equality_evidence",
    "judge",
    "mean_difference",
    "normal_boundary",
    "outcomes_needed",
    "proportion",
    "proportion_difference",
    "ratio_p_value",
    "verdict",
]
