"""What operators can do with a running installation: watch it, check it, and mend what only a person may decide."""
