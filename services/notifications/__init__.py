"""Who must hear of what happened: contacts, messages in an inbox, and their delivery over channels."""
