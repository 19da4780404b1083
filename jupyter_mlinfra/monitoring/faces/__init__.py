"""How monitors and alerts are shown and asked: rows, cards, routes, verbs, counts."""
