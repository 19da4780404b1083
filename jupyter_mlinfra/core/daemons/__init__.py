"""What the daemons of a project share: the supervisor, the followers and the keeper.

A daemon is a process without a terminal that outlives whoever started it. `daemon` is its own side
(lock, rounds), `wakeups` what it waits for, `registration` its address, and `control` the side of
those who start it, wake it and end it.
"""
