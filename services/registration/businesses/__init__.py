"""Owners and their businesses: registered, changed, closed."""
