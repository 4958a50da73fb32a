"""Contact tasks: owners whose number reaches nobody, so that an office finds out how they can be reached."""
