"""Goods that go back: from the public to a place, and from a place to whoever gave them."""
