"""Many orders in one request, an answer for each."""
