"""Delivery: the ledger of what was sent over which channel, and the sender that works it off."""
