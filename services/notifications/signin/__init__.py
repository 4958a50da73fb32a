"""Signing in: an owner shows that a telephone is theirs by a code that is sent to it, and is given a token."""
