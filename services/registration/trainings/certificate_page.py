"""The page behind the QR code on a certificate: says to whoever holds it whether it is true, and names nobody."""

from html import escape

from services.registration.trainings.certificate_words import day_in_words
from services.registration.trainings.certificates import PublicCertificate
from shared.answers import Content
from shared.public_page import BAD, CHANGED, GOOD, public_page

FOOT = (
    "Halaman ini dibaca langsung dari catatan pelatihan Serumpun. Nama hanya ditunjukkan dengan huruf awalnya.",
    "This page is read straight from the Serumpun training records. Of a name only the initials are shown.",
)
NOT_VALID = """<p>Kode ini tidak ada di catatan kami. Pindai ulang kode QR pada sertifikat; bila hasilnya sama, jangan
percayai sertifikat itu dan tanyakan kepada kantor dinas.</p>
<p lang="en">This code is not in our records. Scan the QR code on the certificate again; if the answer is the same, do
not trust the certificate, and ask the office.</p>"""


def page(found: PublicCertificate | None) -> Content:
    """Give the page of a certificate; the same for every code that was not made here."""
    if found is None:
        return public_page(BAD, ("Tidak berlaku", "Not valid"), NOT_VALID, FOOT, status=404)
    facts = (
        ("Nomor", "Number", found.number),
        ("Pemegang", "Holder", found.initials),
        ("Pelatihan", "Training", f"{found.title} ({found.programme})"),
        ("Wilayah", "Region", f"{found.region_name} ({found.region})"),
        ("Tanggal", "Days", f"{day_in_words(found.starts_on)} - {day_in_words(found.ends_on)}"),
        ("Kehadiran", "Attended", f"{found.attended} / {found.held}"),
        ("Diterbitkan", "Issued", day_in_words(found.issued_on)),
    )
    content = "".join(
        f'<dt>{label} <small lang="en">{english}</small></dt><dd>{escape(value)}</dd>'
        for label, english, value in facts
    )
    mood, title = (
        (GOOD, ("Asli dan berlaku", "Genuine and valid"))
        if found.valid
        else (CHANGED, ("Asli, tetapi dicabut", "Genuine, but revoked"))
    )
    return public_page(mood, title, f"<dl>{content}</dl>", FOOT)
