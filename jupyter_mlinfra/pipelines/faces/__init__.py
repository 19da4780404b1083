"""How pipelines are shown and asked: rows, cards, routes, verbs, counts."""
