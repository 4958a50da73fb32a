"""The page behind the QR code on a station: how it is, one button for whoever finds no water, and others behind it.

The words of the answer come from the service; without scripts the page still says whom to call.
"""

from html import escape

from services.aid_distribution.ledger.words import Words, moment_in_words
from services.aid_distribution.stations.domain import State, Trouble
from services.aid_distribution.stations.orders import PublicStationView
from shared.answers import Content
from shared.public_page import BAD, CHANGED, GOOD, SAID, SENDING, Mood, public_page

STATES: dict[str, tuple[Mood, Words]] = {
    State.WORKING: (GOOD, Words("Tempat cuci tangan ini berfungsi", "This handwashing station works")),
    State.REPORTED_DRY: (CHANGED, Words("Dilaporkan kering, akan diperiksa", "Reported dry, to be checked")),
    State.DRY: (BAD, Words("Sedang kering, akan diisi", "Dry at the moment, to be refilled")),
    State.BROKEN: (BAD, Words("Sedang rusak, akan diperbaiki", "Broken at the moment, to be repaired")),
}
TROUBLES: dict[Trouble, Words] = {
    Trouble.DRY: Words("Laporkan: airnya habis", "Report: there is no water"),
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
# One press, one report: nothing is sent twice, and nothing more where more is of no use.
SCRIPT = """
const buttons = document.querySelectorAll("button");
let locked = false;
const lock = (now) => { locked = now; buttons.forEach((button) => button.setAttribute("aria-disabled", now)); };
buttons.forEach((button) => button.addEventListener("click", async () => {
  if (locked) return;
  lock(true);
  const {status, told, minutes} = await send({problem: button.value}, {});
  if (status === 201) { tell(...told.thanks.split(" / ")); return; }
  if (status === 404) {
    tell("Kode ini tidak dipakai lagi. Beri tahu petugas di sana.",
      "This code is not in use any more. Tell the people there.");
    return;
  }
  if (status === 429) {
    tell(`Sudah banyak laporan, petugas sudah tahu. Laporan berikutnya diterima dalam ${minutes} menit.`,
      `Many reports came in, the keepers know. The next one is taken in ${minutes} minutes.`);
    return;
  }
  lock(false);
  if (status) tell("Laporan tidak diterima. Coba lagi nanti.", "The report was not taken. Try again later.");
  else tell("Tidak ada sambungan. Coba lagi bila ada sinyal.", "No connection. Try again when there is a signal.");
}));
"""


def page(found: PublicStationView | None) -> Content:
    """Give the page of a station; the same for every code that no station bears."""
    if found is None:
        return public_page(BAD, ("Kode tidak dikenal", "Unknown code"), UNKNOWN, FOOT, status=404)
    mood, title = STATES[found.state]
    main, *others = (
        f'<button type="button" value="{trouble}">{words.indonesian}<small lang="en">{words.english}</small></button>'
        for trouble, words in TROUBLES.items()
    )
    content = (
        f"<dl><dt>{escape(found.name)}</dt><dd>{escape(found.site_name)}</dd>"
        f'<dt>Sejak <small lang="en">Since</small></dt><dd>{moment_in_words(found.state_since)}</dd></dl>'
        f'<div class="main">{main}</div>{SAID}'
        '<details><summary>Ada masalah lain? <small lang="en">Is something else wrong?</small></summary>'
        f'<div class="choices">{"".join(others)}</div></details><p>{escape(found.call)}</p>'
    )
    return public_page(mood, title, content, FOOT, script=SENDING + SCRIPT)
