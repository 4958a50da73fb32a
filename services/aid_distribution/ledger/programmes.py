"""The programmes under which aid is handed out, and for which it is kept apart in every figure."""

from enum import StrEnum


class Programme(StrEnum):
    """The programmes under which aid is handed out."""

    FREE_MASKS = "free-masks"
    HANDWASHING = "handwashing"
    CHEAP_MARKET = "cheap-market"
    TRAINING = "training"


PROGRAMMES_SQL = ", ".join(f"'{programme}'" for programme in Programme)
