"""The last word to whoever asked that their data be only stored, or erased: that it was done."""
