import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.registration.businesses import handlers
from shared.database import Database, Work
from shared.telemetry import without_data
from tests.registration.people import NIK, PANGKALPINANG, SITI, TAILOR

PHONE = "6283400000101"


def logged(error: Exception, *, withheld: bool = True) -> str:
    """Give the traceback of an error as a log line would hold it."""
    info = (type(error), error, error.__traceback__)
    line = structlog.processors.format_exc_info(None, "error", {"exc_info": info})
    return str((without_data(None, "error", line) if withheld else line)["exception"])


async def broken(database: Database, statement: str, **values: object) -> DBAPIError:
    async def carry_out(work: Work) -> None:
        await handlers.register_business(work, TAILOR, owner=SITI)
        await work.session.execute(text(statement), values)

    with pytest.raises(DBAPIError) as raised:
        await database.run(PANGKALPINANG, carry_out)
    return raised.value


async def test_a_defect_in_the_store_leaves_no_telephone_number_in_the_log(database: Database) -> None:
    error = await broken(database, "UPDATE owner SET language = 'fr'")
    assert PHONE in logged(error, withheld=False)  # PostgreSQL quotes the row
    assert PHONE not in logged(error)
    assert "owner_language_known" in logged(error)


async def test_a_defect_in_a_statement_leaves_its_parameters_out_of_the_log(database: Database) -> None:
    error = await broken(database, "SELECT :nik, 1 / 0", nik=NIK)
    assert NIK not in logged(error)
    wrong_type = await broken(database, "UPDATE business SET workers = :workers", workers=NIK)
    assert NIK in logged(wrong_type, withheld=False)  # the driver quotes the value
    assert NIK not in logged(wrong_type)


def test_an_ordinary_traceback_stays_as_it_is() -> None:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("twelve")
    assert "twelve" in logged(raised.value)
