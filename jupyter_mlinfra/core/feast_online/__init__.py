"""What Feast keeps in its SQLite, Redis and PostgreSQL online stores, read without Feast.

The feature store reads it here. Deployments copy its modules beside the code that serves, so
they import the standard library, each other, and no more of this package.
"""
