"""The faces of the commands: what they are called, what they take, how they answer; the work is done elsewhere."""
