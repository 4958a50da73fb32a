"""What owners have agreed to: by which text, how, with which proof, and what they took back."""
