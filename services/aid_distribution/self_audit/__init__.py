"""The ledger looks through itself each night, keeps what it found, and alerts when something was wrong."""
