"""The consuming side of a service."""

from shared.reaction import NotYet, Reaction, on

__all__ = ["NotYet", "Reaction", "on"]
