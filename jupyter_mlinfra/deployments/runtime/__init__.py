"""The code that runs in a serving environment; it is copied into each bundle and imports nothing of
the workbench.

Needs only what a serving environment has: seldon-core (with flask and gunicorn), numpy, orjson,
xgboost.
"""
