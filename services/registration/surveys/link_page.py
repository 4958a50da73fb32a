"""The page behind a link: a short form, in Indonesian and in English, that is sent once.

The words of the answer come from the service; without scripts the page still says whom to call.
"""

from html import escape

from services.registration.surveys.shapes import LinkedSurveyView
from shared.answers import Content
from shared.public_page import BAD, CHANGED, GOOD, public_page

UNKNOWN = """<p>Tautan ini tidak dikenal. Periksa kembali pesan yang Anda terima.</p>
<p lang="en">This link is not known. Please look at the message again that you received.</p>"""
USED = """<p>Terima kasih, jawaban usaha ini sudah kami terima. Ingin mengubahnya? Hubungi kantor dinas.</p>
<p lang="en">Thank you, we have the answer of this business. To change it, please call the office.</p>"""
OVER = """<p>Survei ini tidak dibuka. Hubungi kantor dinas bila Anda masih ingin menjawab.</p>
<p lang="en">This survey is not open. If you still want to answer, please call the office.</p>"""
FOOT = (
    "Omzet disimpan terenkripsi dan tidak ditampilkan kepada petugas. Tanpa skrip? Hubungi kantor dinas.",
    "Turnover is kept encrypted and is not shown to staff. No scripts? Please call the office.",
)
STATUSES = (
    ("running", "Berjalan", "Running"),
    ("suspended", "Berhenti sementara", "Suspended"),
    ("closed", "Tutup", "Closed"),
)
FIGURES = (
    ("turnover", "_rupiah", "Omzet sebulan (rupiah)", "Turnover a month (rupiah)"),
    ("capacity", "", "Kapasitas produksi seminggu", "What you can make in a week"),
    ("workers", "", "Jumlah tenaga kerja", "Number of workers"),
)
# What is typed as 1.500.000 is meant as digits; an empty field is not sent. One press, one answer.
SCRIPT = """
const form = document.querySelector("form");
const said = document.getElementById("said");
const button = document.querySelector("button");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  said.textContent = "\u2026";
  const told = {};
  for (const [name, text] of new FormData(form)) {
    if (name === "status") { told.status = text; continue; }
    const digits = text.replace(/[^0-9]/g, "");
    if (digits) { told[name] = Number(digits); }
  }
  try {
    const answer = await fetch(location.pathname, {
      method: "POST", headers: {"Content-Type": "application/json", "Accept": "application/json"},
      body: JSON.stringify(told)});
    const said_back = await answer.json();
    if (answer.ok) { said.textContent = said_back.thanks; return; }
    said.textContent = answer.status === 422
      ? "Isi kedua angka: sebelum dan sekarang. / Please fill in both figures: before and now."
      : answer.status === 409
        ? "Tautan ini sudah dipakai atau survei sudah ditutup. / The link was used, or the survey is closed."
        : "Belum diterima; coba lagi nanti. / Not taken; please try again later.";
  } catch {
    said.textContent = "Tidak ada sambungan; coba lagi. / No connection, please try again.";
  }
  button.disabled = false;
});
"""


def page(found: LinkedSurveyView | None) -> Content:
    """Give the page of a link; the same for every code that was never given out."""
    if found is None:
        return public_page(BAD, ("Tautan tidak dikenal", "Unknown link"), UNKNOWN, FOOT, status=404)
    if found.used:
        return public_page(GOOD, ("Sudah dijawab", "Already answered"), USED, FOOT)
    if not found.open:
        return public_page(CHANGED, ("Survei tidak dibuka", "The survey is not open"), OVER, FOOT)
    choices = "".join(
        f'<p><label><input type="radio" name="status" value="{value}" required> {told}'
        f' <small lang="en">{english}</small></label></p>'
        for value, told, english in STATUSES
    )
    content = (
        f"<dl><dt>{escape(found.business_name)}</dt><dd>{escape(found.title)}</dd></dl><form>"
        f'<h2>Usaha Anda sekarang <small lang="en">Your business now</small></h2>{choices}'
        f"{''.join(_pair(found, *figure) for figure in FIGURES)}"
        '<button type="submit">Kirim<small lang="en">Send</small></button></form><p id="said" role="status"></p>'
        f'<p>Sampai <small lang="en">until</small> {found.closes_on:%d-%m-%Y}</p>'
    )
    title = ("Survei usaha", "Business survey")
    return public_page(GOOD, title, content, FOOT, script=SCRIPT)


def _pair(found: LinkedSurveyView, name: str, unit: str, told: str, english: str) -> str:
    fields = "".join(
        f'<p><label>{month} <input name="{name}_{when}{unit}" inputmode="numeric" maxlength="19"></label></p>'
        for when, month in (("before", found.before_month), ("now", found.now_month))
    )
    return f'<h2>{told} <small lang="en">{english}</small></h2>{fields}'
