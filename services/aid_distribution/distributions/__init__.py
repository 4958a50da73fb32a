"""Distribution events: aid handed out to the public, to named businesses, or to both."""
