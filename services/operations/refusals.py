"""Why a command of an operator ends without an answer; each is one line that also says what helps."""


class ServerAway(Exception):
    """A server that the command needs cannot be reached."""


class NotPossible(Exception):
    """What was asked for cannot be done, or must not be."""
