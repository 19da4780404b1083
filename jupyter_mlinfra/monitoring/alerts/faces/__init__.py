"""How alerts and rules are shown and asked: rows, cards, routes, verbs."""
