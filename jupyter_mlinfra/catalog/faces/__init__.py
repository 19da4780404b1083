"""How the catalog is shown and asked: rows, cards, routes, verbs, counts."""
