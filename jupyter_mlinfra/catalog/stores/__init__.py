"""The parts of the store: how the catalog is opened, listed and read, how its errors are told."""
