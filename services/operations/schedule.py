"""How long each field about a person is kept: the one table of it, by which `serumpun retention` clears.

Source: Law 27/2022 article 16: data are erased when the time for which they are kept has ended. The times are the
        office's own schedule, to be changed here; what belongs to the books (journal, payments) is not in it
"""

from dataclasses import dataclass

REGISTRATION, AID, NOTIFICATIONS = "registration", "aid_distribution", "notifications"
ERASED = "(dihapus)"

WITHOUT_BUSINESS = (
    "t.erased_at IS NULL AND EXISTS (SELECT FROM business b WHERE b.owner_id = t.id)"
    " AND NOT EXISTS (SELECT FROM business b WHERE b.owner_id = t.id AND (b.state NOT IN ('closed', 'merged')"
    " OR (b.changed_at AT TIME ZONE INTERVAL '7 hours')::date + make_interval(months => :months)"
    " > CAST(:today AS date)))"
)
"""An owner whose last business closed, or was merged into another, so long ago."""


def _past(moment: str) -> str:
    return (
        f"({moment} AT TIME ZONE INTERVAL '7 hours')::date + make_interval(months => :months) <= CAST(:today AS date)"
    )


@dataclass(frozen=True, slots=True)
class Field:
    """A field, what it is kept for and how long, and how it is cleared.

    Shape:  `due` knows `:months` and `:today` (the day in WIB), and calls the table `t`; a day that is told so many
            months ago, or the last of its month where there is no such day, is due. `clear` is what is set; None
            deletes the row, and `tells` says that the change is an event too
    """

    service: str
    table: str
    name: str
    purpose: str
    months: int
    basis: str
    due: str
    clear: str | None
    tells: bool = False

    @property
    def field(self) -> str:
        """Give `service.table.field`."""
        return f"{self.service}.{self.table}.{self.name}"


SCHEDULE: tuple[Field, ...] = (
    Field(
        REGISTRATION, "owner", "phone, email", "to reach the owner of a business", 24,
        "the purpose ended with the last business",
        f"(t.phone IS NOT NULL OR t.email IS NOT NULL) AND {WITHOUT_BUSINESS}", "phone = NULL, email = NULL",
        tells=True,
    ),
    Field(
        REGISTRATION, "owner", "nik", "to know the person again, and that nobody is supported twice", 60,
        "questions about support are asked for five years",
        f"t.nik_sealed IS NOT NULL AND {WITHOUT_BUSINESS}", "nik_sealed = NULL, nik_index = NULL",
    ),
    Field(
        REGISTRATION, "owner_kk", "kk of earlier cards", "to follow a household through its changes", 60,
        "questions about support are asked for five years",
        "t.until + make_interval(months => :months) <= CAST(:today AS date)", None,
    ),
    Field(
        REGISTRATION, "business", "annual_sales", "to give the scale of a business, and to see what helped", 60,
        "a figure older than that says nothing of the business",
        "t.annual_sales_sealed IS NOT NULL"
        " AND t.annual_sales_on + make_interval(months => :months) <= CAST(:today AS date)",
        "annual_sales_sealed = NULL, annual_sales_on = NULL, business_scale = NULL, business_scale_rule = NULL,"
        " business_scale_since = NULL, version = version + 1",
    ),
    Field(
        REGISTRATION, "business", "address", "to visit the business", 24, "the purpose ended with the business",
        f"t.address IS NOT NULL AND t.state IN ('closed', 'merged') AND {_past('t.changed_at')}",
        "address = NULL, version = version + 1",
    ),
    Field(
        NOTIFICATIONS, "message", "text", "to tell people what concerns them", 24, "the purpose ended with the matter",
        f"t.body <> '{ERASED}' AND t.person LIKE 'owner/%' AND {_past('t.created_at')}",
        f"title = '{ERASED}', body = '{ERASED}', why = '{ERASED}'",
    ),
    Field(
        NOTIFICATIONS, "delivery", "reply", "to find out why a letter did not arrive", 6,
        "nobody asks after a letter for longer",
        f"t.reply <> '' AND t.state NOT IN ('queued', 'sending') AND {_past('t.changed_at')}", "reply = ''",
    ),
    Field(
        NOTIFICATIONS, "withheld", "row", "to know that nothing was lost while nobody could be told", 24,
        "the purpose ended with the matter", _past("t.at"), None,
    ),
    Field(
        AID, "distribution_evidence", "signature_name", "to show that a hand-out took place", 60,
        "questions about support are asked for five years",
        f"t.signature_name <> '{ERASED}' AND {_past('t.recorded_at')}", f"signature_name = '{ERASED}'",
    ),
)  # fmt: skip
