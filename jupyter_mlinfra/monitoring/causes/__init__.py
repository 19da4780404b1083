"""From a feature to the code that made it, by lineage and by reading notebooks; nothing is run."""
