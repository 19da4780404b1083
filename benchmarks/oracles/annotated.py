"""Seven series whose changes people have marked, from river (the Turing Change Point Dataset): our
ADWIN and river's over the same values.

river's begins anew after each alarm; ours keeps the newer part of its window, as the paper says. So
ours, begun anew too, has to raise every alarm at river's value, and as it is has to find no fewer
of the marked changes. Beside it stands what monitors show: alarms soon after each other are one
change.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from jupyter_mlinfra.monitoring.measures.adwin import Adwin, changes

from . import Checks

SOON = 96
"""An alarm belongs to a change that was marked at most so many values before it: three searches."""
THEIRS = """
import json
from river.drift import ADWIN, datasets
found = {}
for made in (datasets.AirlinePassengers, datasets.Apple, datasets.Bitcoin, datasets.BrentSpotPrice,
        datasets.Occupancy, datasets.RunLog, datasets.UKCoalEmploy):
    series = made()
    rows = [(*moment.values(), value) for moment, value in series]
    # The annotators saw a part of these two; river has all values.
    if made is datasets.Apple:
        rows = rows[1::3]
    if made is datasets.BrentSpotPrice:
        rows = [row for row in rows if row[0].year >= 2000][::10]
    columns = rows[0][-1].keys() if isinstance(rows[0][-1], dict) else [""]
    for column in columns:
        values = [float(row[-1][column] if column else row[-1]) for row in rows]
        low, high = min(values), max(values)
        values = [(value - low) / (high - low) for value in values]
        detector, alarms = ADWIN(), []
        for place, value in enumerate(values, start=1):
            detector.update(value)
            if detector.drift_detected:
                alarms.append(place)
        marked = sorted({place for places in series.annotations.values() for place in places})
        found[f"{made.__name__} {column}".strip()] = [values, alarms, marked]
print(json.dumps(found))
"""


def annotated(python: Path, checks: Checks) -> None:
    """Print a line for each series. python: of an environment with river."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", THEIRS], capture_output=True, text=True, check=True
    )
    print(f"series with marked changes; an alarm up to {SOON} values after a mark finds it")
    print(f"  {'':26s}values  marks   alarms/marks found: {'river':>8s}{'ours':>8s}{'shown':>8s}")
    totals = [0, 0, 0, 0]
    for name, (values, theirs, marks) in json.loads(done.stdout).items():
        anew = begun_anew(values)
        checks.holds(anew == theirs, f"{name}: alarms at {anew}, river's at {theirs}")
        window = Adwin()
        ours = [place for place, value in enumerate(values, start=1) if window.add(value)]
        shown = [change.position for change in changes(values)]
        found = [len(hits(marks, alarms)) for alarms in (theirs, ours, shown)]
        figures = [
            f"{len(alarms)}/{n}" for alarms, n in zip((theirs, ours, shown), found, strict=True)
        ]
        print(
            f"  {name:26s}{len(values):6d}{len(marks):7d}{'':23s}"
            + "".join(f"{text:>8s}" for text in figures)
        )
        totals = [have + more for have, more in zip(totals, (len(marks), *found), strict=True)]
    print(
        f"  {'marks, and those found':32s}{totals[0]:7d}{'':23s}"
        + "".join(f"{n:8d}" for n in totals[1:])
    )
    checks.holds(
        totals[2] >= totals[1],
        f"of {totals[0]} marked changes ours finds {totals[2]}, river's {totals[1]}",
    )


def begun_anew(values: Sequence[float]) -> list[int]:
    """The alarms of ours if it forgets everything at each."""
    window, found = Adwin(), []
    for place, value in enumerate(values, start=1):
        if window.add(value):
            found.append(place)
            window = Adwin()
    return found


def hits(marks: Sequence[int], alarms: Sequence[int]) -> list[int]:
    """The marks that are soon followed by an alarm."""
    return [mark for mark in marks if any(0 < alarm - mark <= SOON for alarm in alarms)]
