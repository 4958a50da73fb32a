"""Parked exceptions: what has happened in the field and cannot be entered yet, kept until somebody settles it."""
