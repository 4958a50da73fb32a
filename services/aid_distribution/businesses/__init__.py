"""The businesses that registration has told of: whom aid may be handed to."""
