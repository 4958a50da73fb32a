"""The page behind a link: a short form, in Indonesian and in English, that is sent once.

What is filled in stays on the telephone until it is sent, also when the page is closed or the signal goes. Without
scripts the page still says whom to call.
"""

from html import escape

from services.registration.surveys.shapes import LinkedSurveyView
from shared.answers import Content
from shared.public_page import BAD, CHANGED, GOOD, SAID, SENDING, public_page

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
    ("workers", "", "Jumlah tenaga kerja (orang)", "Number of workers (persons)"),
)
MONTHS = (
    *(("Januari", "January"), ("Februari", "February"), ("Maret", "March"), ("April", "April"), ("Mei", "May")),
    *(("Juni", "June"), ("Juli", "July"), ("Agustus", "August"), ("September", "September")),
    *(("Oktober", "October"), ("November", "November"), ("Desember", "December")),
)
HOW = """<p>Cukup tiga menit. Angka yang tidak Anda ketahui boleh dikosongkan. Isian tersimpan di HP ini sampai
dikirim.</p>
<p lang="en">It takes three minutes. Leave empty what you do not know. What you fill in stays on this phone until it is
sent.</p>"""
PLACE = """
const place = "serumpun.survey." + location.pathname.split("/").pop();
const drop = () => { try { localStorage.removeItem(place); } catch { /* nothing is kept here */ } };
"""
DROP = PLACE + "drop();\n"
# The key goes with the draft: an answer that was lost on the way is asked for again, and taken once.
SCRIPT = """
const form = document.querySelector("form");
const kept = () => { try { return JSON.parse(localStorage.getItem(place)) || {}; } catch { return {}; } };
const made = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16)).join("-");
const draft = {key: made(), told: {}, ...kept()};
let gone = false;
const keep = () => {
  if (gone) return;
  try { localStorage.setItem(place, JSON.stringify(draft)); } catch { /* works all the same */ }
};
const pairs = [...form.querySelectorAll("fieldset")].map((one) => [...one.querySelectorAll("input[inputmode]")])
  .filter((pair) => pair.length);
const NUMBER = /^(rp[.]? *)?([0-9]+|[0-9]{1,3}([., ][0-9]{3})+)$/i;
const WRONG = {
  status: ["Pilih salah satu.", "Choose one of these."],
  missing: ["Isi kedua angka: sebelum dan sekarang.", "Fill in both figures: before and now."],
  number: ["Tulis angka saja, seperti 1.500.000.", "Write digits only, such as 1.500.000."],
  too_large: ["Angka ini terlalu besar.", "This figure is too big."],
  other: ["Periksa isian ini.", "Look at this again."],
};
let busy = false;

const mark = (name, why) => {
  const place = document.getElementById(`wrong-${name}`);
  if (!place) return;
  place.textContent = "";
  if (why) lines(place, ...WRONG[why]);
  form.querySelectorAll(`[name="${name}"]`).forEach((one) => one.setAttribute("aria-invalid", Boolean(why)));
};
const mistakes = () => {
  const found = {};
  if (!form.elements.status.value) found.status = "status";
  for (const pair of pairs) {
    const filled = pair.filter((one) => one.value.trim());
    for (const one of filled) if (!NUMBER.test(one.value.trim())) found[one.name] = "number";
    if (filled.length === 1) found[pair.find((one) => !filled.includes(one)).name] = "missing";
  }
  return found;
};
const show = (found) => {
  const names = [...new Set([...form.elements].map((one) => one.name).filter(Boolean))];
  names.forEach((name) => mark(name, found[name]));
  const first = names.find((name) => found[name]);
  if (first) form.querySelector(`[name="${first}"]`).focus();
  if (first) tell("Ada isian yang perlu diperbaiki.", "Something needs another look.");
  return Boolean(first);
};
const over = (...words) => {
  drop();
  form.hidden = true;
  tell(...words);
};

for (const [name, text] of Object.entries(draft.told)) if (form.elements[name]) form.elements[name].value = text;
// Sent in another tab, or whoever filled this in has signed out: nothing of it is written down again.
addEventListener("storage", (event) => {
  if (event.key !== null && (event.key !== place || event.newValue !== null)) return;
  gone = true;
  draft.told = {};
  form.reset();
  tell("Isian dikosongkan: sudah dikirim dari tab lain, atau sesi di HP ini sudah berakhir.",
    "This was emptied: it was sent in another tab, or the session on this phone is over.");
});
form.addEventListener("input", (event) => {
  draft.told = Object.fromEntries(new FormData(form));
  keep();
  mark(event.target.name, "");
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (busy || show(mistakes())) return;
  busy = true;
  keep();
  const order = {status: form.elements.status.value};
  for (const one of pairs.flat()) if (one.value.trim()) order[one.name] = Number(one.value.replace(/[^0-9]/g, ""));
  const {status, told, minutes} = await send(order, {"Idempotency-Key": draft.key});
  busy = false;
  if (status === 201) return over(...told.thanks.split(" / "));
  if (["link_used", "idempotency_key_reused"].includes(told.code)) {
    return over("Jawaban usaha ini sudah kami terima.", "We have the answer of this business already.");
  }
  if (told.code === "survey_closed") return over("Survei sudah ditutup.", "The survey is closed.");
  const errors = told.code === "invalid" ? told.errors : [];
  const found = Object.fromEntries(errors.map((one) => [one.pointer.slice(1), one.code in WRONG ? one.code : "other"]));
  if (show(found)) return;
  if (status === 429) {
    tell(`Sedang banyak yang menjawab. Kirim lagi dalam ${minutes} menit; isian tetap tersimpan.`,
      `Many are answering. Send again in ${minutes} minutes; what you filled in is kept.`);
  } else if (status) {
    tell("Belum diterima. Coba lagi nanti, atau hubungi kantor dinas.",
      "Not taken. Try again later, or call the office.");
  } else {
    tell("Tidak ada sambungan. Isian tersimpan di HP ini; kirim lagi bila ada sinyal.",
      "No connection. What you filled in is kept on this phone; send it again when there is a signal.");
  }
});
"""


def page(found: LinkedSurveyView | None) -> Content:
    """Give the page of a link; the same for every code that was never given out."""
    if found is None:
        return public_page(BAD, ("Tautan tidak dikenal", "Unknown link"), UNKNOWN, FOOT, status=404)
    if found.used:
        return public_page(GOOD, ("Sudah dijawab", "Already answered"), USED, FOOT, script=DROP)
    if not found.open:
        return public_page(CHANGED, ("Survei tidak dibuka", "The survey is not open"), OVER, FOOT, script=DROP)
    choices = "".join(
        f'<label class="tick"><input type="radio" name="status" value="{value}" aria-describedby="wrong-status">'
        f' <span>{told} <small lang="en">{english}</small></span></label>'
        for value, told, english in STATUSES
    )
    content = (
        f"<dl><dt>{escape(found.business_name)}</dt><dd>{escape(found.title)}</dd></dl>{HOW}<form novalidate>"
        f'<fieldset><legend>Usaha Anda sekarang <small lang="en">Your business now</small></legend>{choices}'
        f"{_wrong('status')}</fieldset>"
        f"{''.join(_pair(found, *figure) for figure in FIGURES)}"
        f'<button type="submit">Kirim<small lang="en">Send</small></button></form>{SAID}'
        f'<p>Sampai <small lang="en">until</small> {found.closes_on:%d-%m-%Y}</p>'
    )
    title = ("Survei usaha", "Business survey")
    return public_page(GOOD, title, content, FOOT, script=SENDING + PLACE + SCRIPT)


def _pair(found: LinkedSurveyView, name: str, unit: str, told: str, english: str) -> str:
    fields = "".join(
        _field(f"{name}_{when}{unit}", month)
        for when, month in (("before", found.before_month), ("now", found.now_month))
    )
    return f'<fieldset><legend>{told} <small lang="en">{english}</small></legend>{fields}</fieldset>'


def _field(name: str, month: str) -> str:
    told, english = MONTHS[int(month[5:]) - 1]
    year = month[:4]
    label = f'{told} {year} <small lang="en">{english} {year}</small>'
    described = f'autocomplete="off" aria-describedby="wrong-{name}"'
    field = f'<input id="{name}" name="{name}" inputmode="numeric" maxlength="24" {described}>'
    return f'<label for="{name}">{label}</label>{field}{_wrong(name)}'


def _wrong(name: str) -> str:
    return f'<div class="wrong" id="wrong-{name}"></div>'
