"""Who the small businesses of the province are, who owns them, and what they received."""
