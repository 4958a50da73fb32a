"""Planning: who has had how much for each head, how long stock lasts, and how scarce stock is shared fairly."""
