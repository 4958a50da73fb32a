"""Messages: which fact tells whom, in which words, and the inbox that always has it."""
