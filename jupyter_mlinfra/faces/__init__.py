"""What the faces of all domains are made of: rows and cards, verbs of the command line, routes."""
