"""Businesses from files that people keep in a spreadsheet, and back into one."""
