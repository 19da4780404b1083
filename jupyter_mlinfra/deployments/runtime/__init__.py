"""The code that runs in a serving environment; it is copied into each bundle and imports nothing of
the workbench.

Needs only what a serving environment has: numpy, orjson, the server of the runtime, and the library
of the model's engine.
"""
