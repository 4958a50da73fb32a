"""Stock and aid: the ledger, and the programmes that post to it."""
