"""Businesses that may be one: found, scored, and decided by a person."""
