"""Real processes that are killed, wiped, cut and paused: what is opened for these tests ends with them."""
