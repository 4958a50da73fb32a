"""What is written to whoever signs in: the code to their telephone, and a notice without it to their inbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.notifications.people import Language

ID, EN = Language.INDONESIAN, Language.ENGLISH


@dataclass(frozen=True, slots=True)
class Notice:
    """The title and the body of a notice."""

    title: str
    body: str


CODE: Mapping[Language, str] = MappingProxyType(
    {
        ID: "Kode masuk Serumpun: {code}. Berlaku 10 menit. Jangan berikan kepada siapa pun, juga bukan petugas.",
        EN: "Your Serumpun code: {code}. It counts for 10 minutes. Give it to nobody, not even to the office.",
    }
)
NOTICE: Mapping[Language, Notice] = MappingProxyType(
    {
        ID: Notice("Kode masuk diminta", "Kode masuk dikirim ke nomor Anda. Bila bukan Anda yang minta, abaikan saja."),
        EN: Notice("A sign-in code was asked for", "A code was sent to your number. If you did not ask, ignore it."),
    }
)
WHY: Mapping[Language, str] = MappingProxyType(
    {
        ID: "Anda menerima pesan ini karena seseorang meminta kode masuk untuk nomor Anda.",
        EN: "You get this because somebody asked for a sign-in code for your number.",
    }
)
