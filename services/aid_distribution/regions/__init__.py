"""The regencies and cities that aid goes to: how many people and households live in each."""
