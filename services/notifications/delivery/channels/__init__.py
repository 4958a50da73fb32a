"""The channels: small classes that hand over a letter and say for certain what became of it, or that it is in doubt."""
