"""How the feature store is shown and asked: rows, cards, routes, verbs, counts."""
