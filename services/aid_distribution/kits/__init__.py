"""Kits: what they are put together from, and putting them together and taking them apart."""
