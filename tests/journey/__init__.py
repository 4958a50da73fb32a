"""The story in the words of the domain: what is opened for these tests ends with them."""
