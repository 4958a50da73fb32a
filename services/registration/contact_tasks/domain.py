"""The states of a contact task."""

from enum import StrEnum

from shared.problems import Refusal


class State(StrEnum):
    """Whether somebody still has to find out how an owner can be reached."""

    OPEN = "open"
    CORRECTED = "corrected"  # another number is known
    CLOSED = "closed"  # by staff, who say why


class TaskEnded(Refusal):
    """Nothing is left to do about this task."""

    code = "contact_task_ended"
    title = "This contact task has ended"
