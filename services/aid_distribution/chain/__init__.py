"""Signed heads of the chains of postings, to be kept outside: against them even a journal made anew is found out."""
