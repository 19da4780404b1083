"""Schedules: pipelines and jobs that start by the clock, each due time once."""
