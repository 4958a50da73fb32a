"""The page behind the QR code on a station: how it is, and buttons to say what is wrong.

The words of the answer come from the service; without scripts the page still says whom to call.
"""

from html import escape

from services.aid_distribution.ledger.words import Words, moment_in_words
from services.aid_distribution.stations.domain import State, Trouble
from services.aid_distribution.stations.orders import PublicStationView
from shared.answers import Content
from shared.public_page import BAD, CHANGED, GOOD, Mood, public_page

STATES: dict[str, tuple[Mood, Words]] = {
    State.WORKING: (GOOD, Words("Tempat cuci tangan ini berfungsi", "This handwashing station works")),
    State.REPORTED_DRY: (CHANGED, Words("Dilaporkan kering, akan diperiksa", "Reported dry, to be checked")),
    State.DRY: (BAD, Words("Sedang kering, akan diisi", "Dry at the moment, to be refilled")),
    State.BROKEN: (BAD, Words("Sedang rusak, akan diperbaiki", "Broken at the moment, to be repaired")),
}
TROUBLES: dict[Trouble, Words] = {
    Trouble.DRY: Words("Airnya habis", "There is no water"),
    Trouble.NO_SOAP: Words("Sabunnya habis", "There is no soap"),
    Trouble.BROKEN: Words("Rusak", "It is broken"),
    Trouble.OTHER: Words("Masalah lain", "Something else"),
}
UNKNOWN = """<p>Kode ini tidak dipakai lagi. Bila Anda melihatnya di sebuah tempat cuci tangan, beri tahu petugas di
sana.</p><p lang="en">This code is not in use any more. If it is on a station, please tell the people there.</p>"""
FOOT = (
    "Tidak ada yang dicatat tentang siapa yang melapor.",
    "Nothing is kept about who reports.",
)
# One press, one report: all buttons are locked until the answer is there, and again when it was taken.
SCRIPT = """
const said = document.getElementById("said");
const buttons = document.querySelectorAll("button");
const lock = (locked) => buttons.forEach((button) => { button.disabled = locked; });
buttons.forEach((button) => button.addEventListener("click", async () => {
  lock(true);
  said.textContent = "\u2026";
  try {
    const answer = await fetch(location.pathname, {
      method: "POST", headers: {"Content-Type": "application/json", "Accept": "application/json"},
      body: JSON.stringify({problem: button.value})});
    const told = await answer.json();
    if (answer.ok) { said.textContent = told.thanks; return; }
    said.textContent = answer.status === 429
      ? "Sudah banyak laporan; terima kasih, petugas sudah tahu. / Enough reports came in already, thank you."
      : "Laporan tidak diterima. / The report was not taken.";
  } catch {
    said.textContent = "Tidak ada sambungan; coba lagi. / No connection, please try again.";
  }
  lock(false);
}));
"""


def page(found: PublicStationView | None) -> Content:
    """Give the page of a station; the same for every code that no station bears."""
    if found is None:
        return public_page(BAD, ("Kode tidak dikenal", "Unknown code"), UNKNOWN, FOOT, status=404)
    mood, title = STATES[found.state]
    buttons = "".join(
        f'<button type="button" value="{trouble}">{words.indonesian}<small lang="en">{words.english}</small></button>'
        for trouble, words in TROUBLES.items()
    )
    content = (
        f"<dl><dt>{escape(found.name)}</dt><dd>{escape(found.site_name)}</dd>"
        f'<dt>Sejak <small lang="en">Since</small></dt><dd>{moment_in_words(found.state_since)}</dd></dl>'
        f'<h2>Ada masalah? <small lang="en">Is something wrong?</small></h2><div class="choices">{buttons}</div>'
        f'<p id="said" role="status"></p><p>{escape(found.call)}</p>'
    )
    return public_page(mood, title, content, FOOT, script=SCRIPT)
