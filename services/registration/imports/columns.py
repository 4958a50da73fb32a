"""The columns of a file: what each is called, how it is read, and whether a value can be taken away; and of businesses.

The template, the export and the reading of one kind of file are all made from one list, so what one writes another
reads.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.registration.imports import cells

ERRORS_HEADING: Final = "Kesalahan / Errors"
"""The column in which a file comes back with what was wrong."""
HEADINGS_KNOWN_MIN: Final = 2
"""How many known names make a row of headings; with fewer it is a title or a note."""
EXAMPLE_MARKS: Final = frozenset({"contoh", "example"})
"""Stands in the column of the id, where no business has it: the row is an example and passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Shape: `field` is its name in the API; `heading` is what the template writes; `others` are what else people call
           it, without case, blanks and marks; `clears` says that `-` takes the value away; `mask` that an export masks
    """

    field: str
    heading: str
    others: str
    read: Callable[[str], object]
    width: int = 16
    clears: bool = False
    mask: bool = False
    needed: bool = False
    as_text: bool = False
    note: str = ""


PUNCTUATION = re.compile(r"[^a-z0-9]+")


def folded(heading: str) -> str:
    """Give a heading without case, accents, marks and double blanks."""
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode().lower()
    return PUNCTUATION.sub(" ", plain).strip()


IGNORED: Final = frozenset({folded(ERRORS_HEADING), "no", "nomor urut", "catatan", "notes", ""})
"""Headings that mean nothing here and about which nobody wants to hear."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column stands in a file, and what else stands there."""

    row: int
    places: Mapping[int, Column]
    headings: Mapping[int, str]
    ignored: Sequence[str]
    twice: Sequence[str]

    @property
    def fields(self) -> frozenset[str]:
        """Name the fields that the file has."""
        return frozenset(column.field for column in self.places.values())


class Sheet:
    """A kind of file: its columns in the order in which they are written, and the words about it in its template.

    Shape: `title` names the sheet of a workbook; `example` is by field, `notes` in Indonesian and English; `choices`
           are the words to choose from in some columns
    """

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        *,
        example: Mapping[str, str | int | date],
        notes: Sequence[tuple[str, str]],
        choices: Mapping[str, Sequence[str]],
    ) -> None:
        """Take the columns; raises ValueError where a name would mean two of them."""
        self.title, self.columns, self.example, self.notes, self.choices = title, columns, example, notes, choices
        self.by_field: Mapping[str, Column] = {column.field: column for column in columns}
        self.headings = tuple(column.heading for column in columns)
        self.text_places = frozenset(place for place, column in enumerate(columns) if column.as_text)
        self._names = _names(columns)

    def known(self, headings: Sequence[str]) -> int:
        """Say how many headings of a row are known."""
        return len({self._names[name] for name in map(folded, headings) if name in self._names})

    def layout(self, row: int, headings: Mapping[int, str]) -> Layout | None:
        """Read a row as headings; None where it is none, which a title or a note above them is not."""
        named = {place: self._names.get(folded(heading)) for place, heading in headings.items()}
        found: dict[str, int] = {}
        twice = []
        for place, field in sorted(named.items()):
            if field and field in found:
                twice.append(headings[place])
            elif field:
                found[field] = place
        if len(found) < HEADINGS_KNOWN_MIN:
            return None
        ignored = [
            heading for place, heading in headings.items() if named[place] is None and folded(heading) not in IGNORED
        ]
        places = {place: self.by_field[field] for field, place in found.items()}
        return Layout(row, places, dict(headings), ignored, twice)


def _names(columns: Sequence[Column]) -> dict[str, str]:
    names: dict[str, str] = {}
    for column in columns:
        told = [column.heading, column.field, *column.others.split("|"), *column.heading.split(" / ")]
        for name in told:
            if names.setdefault(folded(name), column.field) != column.field:
                raise ValueError(f"{name} would be {column.field} and {names[folded(name)]}")
    return names


COLUMNS: Final = (
    Column(field="id", heading="ID usaha / Business id", others="id|id usaha|business id|kode usaha|uuid",
           read=cells.text, width=20, as_text=True,
           note="Kosongkan untuk usaha baru. / Leave empty for a new business."),
    Column(field="name", heading="Nama usaha / Business name", others="nama usaha|nama ikm|nama perusahaan|nama umkm|"
           "usaha|business name|business|company|merek usaha", read=cells.text, width=30, needed=True, as_text=True,
           note="Wajib untuk usaha baru. / Needed for a new business."),
    Column(field="sector", heading="Sektor / Sector", others="sektor|sector|bidang usaha|bidang|jenis usaha|komoditi",
           read=cells.sector, needed=True, as_text=True, note="Pilih dari daftar. / Choose from the list."),
    Column(field="region", heading="Wilayah / Region", others="wilayah|region|kode wilayah|kabupaten|kabupaten kota|"
           "kab kota|kota|kabkota|region code|regency", read=cells.text, needed=True, as_text=True,
           note="Kode seperti 19.71, atau nama. / A code such as 19.71, or the name."),
    Column(field="kbli", heading="KBLI", others="kbli|kode kbli|kbli code", read=cells.kbli, clears=True, as_text=True,
           note="5 angka, bersama edisinya. / 5 digits, with the edition."),
    Column(field="kbli_edition", heading="Edisi KBLI / KBLI edition", others="edisi kbli|kbli edition|tahun kbli",
           read=cells.edition, clears=True, note="2020"),
    Column(field="nib", heading="NIB", others="nib|nomor induk berusaha|no nib|nomor nib", read=cells.nib, clears=True,
           as_text=True, note="13 angka, sebagai teks. / 13 digits, as text."),
    Column(field="workers", heading="Tenaga kerja / Workers", others="tenaga kerja|jumlah tenaga kerja|pekerja|tk|"
           "jumlah pekerja|workers|karyawan|jumlah karyawan|employees", read=cells.workers, clears=True),
    Column(field="investment_rupiah", heading="Nilai investasi (Rp) / Investment (Rp)", others="nilai investasi|"
           "investasi|investment|investment rupiah|nilai investasi rp|investasi rp|investment rp", read=cells.rupiah,
           width=18, clears=True, note="Tanpa tanah dan bangunan. / Land and buildings left out."),
    Column(field="annual_sales_rupiah", heading="Penjualan tahunan (Rp) / Annual sales (Rp)", others="omzet|omset|"
           "penjualan tahunan|omzet tahunan|omset tahunan|penjualan tahunan rp|omzet rp|annual sales|annual sales rp|"
           "annual sales rupiah|turnover|omzet per tahun|omset per tahun", read=cells.rupiah, width=18, clears=True,
           mask=True),
    Column(field="annual_sales_on", heading="Tanggal penjualan / Sales as of", others="tanggal penjualan|tanggal omzet|"
           "tanggal omset|sales as of|annual sales on|per tanggal|sales date|tgl penjualan|tgl omzet", read=cells.day,
           note="31/08/2020"),
    Column(field="address", heading="Alamat / Address", others="alamat|alamat usaha|address", read=cells.text, width=30,
           clears=True, as_text=True),
    Column(field="document", heading="No. dokumen / Document no.", others="no dokumen|nomor dokumen|dokumen|document|"
           "document no|no urut|nomor|no registrasi|nomor registrasi", read=cells.text, clears=True, as_text=True,
           note="Nomor Anda sendiri, sekali per usaha. / Your own number, one for each business."),
    Column(field="owner_name", heading="Nama pemilik / Owner name", others="nama pemilik|pemilik|owner|owner name|"
           "nama pengusaha|pengusaha|nama pelaku usaha|penanggung jawab", read=cells.text, width=26, needed=True,
           as_text=True),
    Column(field="nik", heading="NIK", others="nik|no ktp|nomor ktp|ktp|nik pemilik|no nik|nomor nik|nik ktp|id card",
           read=cells.nik, width=20, mask=True, as_text=True,
           note="16 angka, sebagai teks: angka kehilangan digit terakhir. / 16 digits, as text: a number loses its last"
           " digits."),
    Column(field="phone", heading="No. HP / Phone", others="no hp|nomor hp|hp|no telp|no telepon|telepon|telp|phone|"
           "no wa|nomor wa|whatsapp|no handphone|handphone|nomor telepon|phone number|kontak", read=cells.phone,
           width=18, clears=True, mask=True, as_text=True),
    Column(field="email", heading="Email", others="email|e mail|surel|alamat email|owner email", read=cells.email,
           width=26, clears=True, as_text=True),
    Column(field="language", heading="Bahasa / Language", others="bahasa|language", read=cells.text, as_text=True,
           note="id / en"),
    Column(field="state", heading="Status / State", others="status|state|status usaha|keadaan", read=cells.text,
           as_text=True, note="aktif, ditangguhkan / active, suspended"),
    Column(field="state_reason", heading="Alasan status / State reason", others="alasan status|state reason|alasan|"
           "keterangan status", read=cells.text, width=26, as_text=True),
)  # fmt: skip
EXAMPLE: Final[Mapping[str, str | int | date]] = {
    "id": "CONTOH",
    "name": "Konveksi Sinar Jaya",
    "sector": "garment",
    "region": "19.71",
    "kbli": "14111",
    "kbli_edition": 2020,
    "nib": "0220000000001",
    "workers": 4,
    "investment_rupiah": 40_000_000,
    "annual_sales_rupiah": 200_000_000,
    "annual_sales_on": date(2020, 8, 31),
    "address": "Jalan Mayor Syafrie Rachman 12",
    "document": "REG/2020/001",
    "owner_name": "Siti Aminah",
    "nik": "1971015203789901",
    "phone": "0834-0000-0101",
    "email": "siti@contoh.example",
    "language": "id",
    "state": "aktif",
}
NOTES: Final = (
    ("Baris CONTOH tidak diimpor; boleh dihapus.", "The row CONTOH is not imported; delete it if you like."),
    (
        "Satu baris satu usaha. Sel kosong: yang sudah tercatat tetap. Tanda - : data dihapus.",
        "One row for each business. An empty cell leaves what is known; a single - takes it away.",
    ),
    (
        "Usaha dicari menurut ID, lalu NIB, NIK dan nama usaha, nomor dokumen, lalu wilayah, nama dan pemilik.",
        "A business is found by its id, then NIB, then NIK and name, then document, then region, name and owner.",
    ),
    (
        "NIK, NIB, KBLI dan No. HP harus berupa teks: sebagai angka, Excel menghilangkan digit.",
        "NIK, NIB, KBLI and phone must be text: as numbers Excel loses digits.",
    ),
    ("Tanggal: hari/bulan/tahun, misalnya 31/08/2020.", "Days: day/month/year, such as 31/08/2020."),
    ("Rupiah tanpa desimal: 1.234.567 atau 1234567.", "Rupiah are whole: 1.234.567 or 1234567."),
    (
        "Nilai yang disamarkan (***) dibiarkan apa adanya.",
        "A value that is masked (***) is left as it is.",
    ),
)
BUSINESSES: Final = Sheet(
    "Usaha",
    COLUMNS,
    example=EXAMPLE,
    notes=NOTES,
    choices={"language": ("id", "en"), "state": ("aktif", "ditangguhkan")},
)
