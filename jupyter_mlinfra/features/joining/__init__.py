"""The parts of the point-in-time join, whose rule `join.py` states."""
