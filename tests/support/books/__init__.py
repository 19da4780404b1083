"""A made-up domain of another package: books, which are on the shelf or lent."""
