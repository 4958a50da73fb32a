"""Broadcasts: what staff tell many owners at once, checked by a second person, and never in the way of the rest."""
