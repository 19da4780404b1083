"""Predictions for a whole dataset: a job that streams it through serving processes of its own into
another dataset, exactly once per row whatever is killed on the way.
"""
