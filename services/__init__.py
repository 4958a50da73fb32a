"""The services; they never import one another and meet only in `shared.contracts`."""
