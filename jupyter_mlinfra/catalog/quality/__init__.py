"""Rules about the rows of a dataset, their results, and whether it comes in time and in full."""
