"""Handwashing stations: placed at crowd centres, refilled from stock, visited in time, reported by anybody."""
