"""What every domain is built on: project and settings, state, errors, events, lineage, search."""
