"""What is written to whose data were restricted or erased; it names nobody, so that it may stay when all else goes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from services.notifications.people import Language

ID, EN = Language.INDONESIAN, Language.ENGLISH


class Words(NamedTuple):
    """A title, a body of at most 320 letters, and why it came."""

    title: str
    body: str
    why: str


RESTRICTED: Mapping[Language, Words] = MappingProxyType(
    {
        ID: Words(
            "Data Anda kini hanya disimpan",
            "Mulai hari ini data Anda di dinas hanya disimpan: tidak ditampilkan, tidak diubah, dan Anda tidak"
            " dihubungi sampai pembatasan ini dicabut. Bila bukan Anda yang meminta, datanglah ke kantor dinas"
            " wilayah {region}.",
            "Undang-Undang 27/2022 mewajibkan kami memberi tahu bahwa pembatasan sudah dilakukan.",
        ),
        EN: Words(
            "Your data are only stored now",
            "From today the office only stores your data: they are not shown or changed, and nobody writes to you until"
            " this is lifted. If you did not ask for it, go to the office of region {region}.",
            "Law 27/2022 has us tell you that the restriction was carried out.",
        ),
    }
)
ERASED: Mapping[Language, Words] = MappingProxyType(
    {
        ID: Words(
            "Data pribadi Anda sudah dihapus",
            "Nama, NIK, nomor HP dan alamat email Anda sudah dihapus dari catatan dinas dan tidak dapat dikembalikan."
            " Ini pesan terakhir. Bila bukan Anda yang meminta, datanglah ke kantor dinas wilayah {region}.",
            "Undang-Undang 27/2022 mewajibkan kami memberi tahu bahwa penghapusan sudah dilakukan.",
        ),
        EN: Words(
            "Your personal data were erased",
            "Your name, NIK, telephone number and mail address were erased from the records of the office for good."
            " This is the last message. If you did not ask for it, go to the office of region {region}.",
            "Law 27/2022 has us tell you that the erasure was carried out.",
        ),
    }
)
