"""What is known of a person beyond their business: family card, who looked at what, and what a person may ask for."""
