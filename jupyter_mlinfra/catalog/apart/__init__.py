"""The SQL of users in processes of its own, as the Jupyter server runs it.

DuckDB counts no memory of the values that one function makes, and does not stop in them. In a
process that others share, such a query would end all that they do there.
"""
