"""Replies: what owners write back, from YA and TIDAK to words that only a person can answer."""
