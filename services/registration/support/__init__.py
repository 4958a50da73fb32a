"""What each business received, as aid_distribution told it."""
