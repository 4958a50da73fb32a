"""The columns of a file of answers to a wave: whose answer it is, and what was answered."""

from datetime import date
from functools import partial
from typing import Final

from services.registration.imports import cells
from services.registration.imports.cells import Wrong
from services.registration.imports.columns import Column, Sheet
from services.registration.surveys.domain import CAPACITY_MAX, TURNOVER_MAX, WORKERS_MAX, Status

STATUSES: Final = {
    **dict.fromkeys(("berjalan", "running", "beroperasi", "buka", "aktif", "active", "jalan"), Status.RUNNING),
    **dict.fromkeys(
        ("berhenti sementara", "suspended", "libur", "ditangguhkan", "tutup sementara", "tidak aktif"), Status.SUSPENDED
    ),
    **dict.fromkeys(("tutup", "closed", "ditutup", "bangkrut", "tutup permanen"), Status.CLOSED),
}
STATUS_WORDS: Final = {Status.RUNNING: "berjalan", Status.SUSPENDED: "berhenti sementara", Status.CLOSED: "tutup"}
"""What a template and an export write."""


def status(words: str) -> Status:
    """Read what a business says that it is doing."""
    if found := STATUSES.get(" ".join(words.lower().split())):
        return found
    raise Wrong("invalid_status", "berjalan (running), berhenti sementara (suspended) or tutup (closed).")


turnover = partial(cells.whole, most=TURNOVER_MAX)
capacity = partial(cells.whole, most=CAPACITY_MAX)
workers = partial(cells.whole, most=WORKERS_MAX)

COLUMNS: Final = (
    Column(field="id", heading="ID usaha / Business id", others="id|id usaha|business id|kode usaha|uuid",
           read=cells.text, width=20, as_text=True),
    Column(field="name", heading="Nama usaha / Business name", others="nama usaha|nama ikm|nama perusahaan|nama umkm|"
           "usaha|business name|business|company", read=cells.text, width=30, as_text=True),
    Column(field="region", heading="Wilayah / Region", others="wilayah|region|kode wilayah|kabupaten|kabupaten kota|"
           "kab kota|kota|kabkota|regency", read=cells.text, as_text=True,
           note="Kode seperti 19.71, atau nama. / A code such as 19.71, or the name."),
    Column(field="owner_name", heading="Nama pemilik / Owner name", others="nama pemilik|pemilik|owner|owner name|"
           "nama pengusaha|pengusaha|responden", read=cells.text, width=26, as_text=True),
    Column(field="nib", heading="NIB", others="nib|nomor induk berusaha|no nib|nomor nib", read=cells.nib,
           as_text=True, note="13 angka, sebagai teks. / 13 digits, as text."),
    Column(field="nik", heading="NIK", others="nik|no ktp|nomor ktp|ktp|nik pemilik|no nik|nomor nik", read=cells.nik,
           width=20, mask=True, as_text=True, note="16 angka, sebagai teks. / 16 digits, as text."),
    Column(field="status", heading="Keadaan / Status", others="keadaan|status|status usaha|kondisi|kondisi usaha",
           read=status, width=20, needed=True, as_text=True,
           note="berjalan, berhenti sementara, tutup / running, suspended, closed"),
    Column(field="turnover_before_rupiah", heading="Omzet sebelum (Rp sebulan) / Turnover before (Rp a month)",
           others="omzet sebelum|omset sebelum|turnover before|omzet sebelum pandemi|omset sebelum pandemi", width=20,
           read=turnover, clears=True, mask=True),
    Column(field="turnover_now_rupiah", heading="Omzet sekarang (Rp sebulan) / Turnover now (Rp a month)",
           others="omzet sekarang|omset sekarang|turnover now|omzet saat ini|omset saat ini", width=20,
           read=turnover, clears=True, mask=True),
    Column(field="capacity_before", heading="Kapasitas sebelum (seminggu) / Capacity before (a week)",
           others="kapasitas sebelum|capacity before|produksi sebelum", read=capacity, width=18, clears=True),
    Column(field="capacity_now", heading="Kapasitas sekarang (seminggu) / Capacity now (a week)",
           others="kapasitas sekarang|capacity now|produksi sekarang|kapasitas saat ini", read=capacity, width=18,
           clears=True),
    Column(field="workers_before", heading="Tenaga kerja sebelum / Workers before",
           others="tenaga kerja sebelum|pekerja sebelum|karyawan sebelum|workers before", read=workers, width=18,
           clears=True),
    Column(field="workers_now", heading="Tenaga kerja sekarang / Workers now",
           others="tenaga kerja sekarang|pekerja sekarang|karyawan sekarang|workers now|tenaga kerja saat ini",
           read=workers, width=18, clears=True),
    Column(field="answered_on", heading="Tanggal jawaban / Answered on",
           others="tanggal jawaban|tanggal|tanggal isi|tgl|tgl jawaban|answered on|tanggal wawancara", read=cells.day,
           note="Hari formulir diisi; kosong: hari ini. / The day of the form; empty: today."),
    Column(field="answer_document", heading="No. formulir / Form no.", others="no formulir|nomor formulir|formulir|"
           "form no|form|no dokumen|nomor dokumen|document", read=cells.text, clears=True, as_text=True,
           note="Nomor formulir kertas. / The number of the paper form."),
)  # fmt: skip
ANSWERS: Final = Sheet(
    "Jawaban",
    COLUMNS,
    example={
        "id": "CONTOH",
        "name": "Konveksi Sinar Jaya",
        "region": "19.71",
        "owner_name": "Siti Aminah",
        "nib": "0220000000001",
        "nik": "1971015203789901",
        "status": STATUS_WORDS[Status.RUNNING],
        "turnover_before_rupiah": 12_000_000,
        "turnover_now_rupiah": 4_500_000,
        "capacity_before": 300,
        "capacity_now": 100,
        "workers_before": 4,
        "workers_now": 2,
        "answered_on": date(2020, 4, 20),
        "answer_document": "SRV/2020/04/17",
    },
    notes=(
        ("Baris CONTOH tidak diimpor; boleh dihapus.", "The row CONTOH is not imported; delete it if you like."),
        (
            "Satu baris satu jawaban, utuh: sel kosong atau - berarti tidak dijawab.",
            "One row is one whole answer: an empty cell or a - means that it was not answered.",
        ),
        (
            "Usaha dicari menurut ID, lalu NIB, NIK dan nama usaha, lalu wilayah, nama dan pemilik.",
            "A business is found by its id, then NIB, then NIK and name, then region, name and owner.",
        ),
        ("Angka sebelum dan sekarang diisi berpasangan.", "Figures come in pairs: before and now."),
        ("Tanggal: hari/bulan/tahun, misalnya 20/04/2020.", "Days: day/month/year, such as 20/04/2020."),
        (
            "Omzet yang disamarkan (***) tetap seperti yang sudah tercatat.",
            "Turnover that is masked (***) stays as it is known.",
        ),
    ),
    choices={"status": tuple(STATUS_WORDS.values())},
)
