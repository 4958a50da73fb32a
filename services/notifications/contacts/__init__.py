"""Contacts: how owners and staff can be reached, learned from events and from the office."""
