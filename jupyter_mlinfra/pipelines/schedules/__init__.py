"""Schedules: pipelines and jobs that start on a schedule, each due time once."""
