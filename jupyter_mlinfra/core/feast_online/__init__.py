"""What Feast keeps in its SQLite and Redis online stores, read without Feast.

The feature store reads it here. Deployments copy the three modules beside the code that serves, so
they import the standard library, each other, and no more of this package.
"""
