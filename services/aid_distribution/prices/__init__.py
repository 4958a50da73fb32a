"""What staple goods cost, at which market place and on which day, and what they may cost at most."""
