"""What the dataset object of notebooks can do, by subject."""
