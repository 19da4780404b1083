"""Labels as people bring them, joined to the answers that they belong to."""
