"""Assets that are lent, and come back or do not."""
