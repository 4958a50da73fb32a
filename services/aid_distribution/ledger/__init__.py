"""The stock ledger: every other capability posts stock through it, and only through it."""
