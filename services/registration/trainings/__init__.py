"""Trainings: announced, called off, and the kits that are asked of the warehouses for them."""
