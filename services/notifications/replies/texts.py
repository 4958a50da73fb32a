"""What is written because of a reply, in Indonesian and English; every value is shortened to fit (tests prove it)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.notifications.people import Language

ID, EN = Language.INDONESIAN, Language.ENGLISH
NAME_LENGTH_MAX = 40
QUOTE_LENGTH_MAX = 160
CHOICE_LENGTH_MAX = 46
CHOICES_SHOWN_MAX = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """The title and the body of an answer."""

    title: str
    body: str


WHY: Mapping[Language, str] = MappingProxyType(
    {
        ID: "Anda menerima pesan ini karena Anda membalas pesan kami.",
        EN: "You get this because you replied to a message of ours.",
    }
)
WHY_OFFICE: Mapping[Language, str] = MappingProxyType(
    {
        ID: "Anda menerima pesan ini karena Anda petugas wilayah pemilik usaha ini.",
        EN: "You get this because you serve the region of this owner.",
    }
)
TEXTS: Mapping[str, Mapping[Language, Answer]] = MappingProxyType(
    {
        "reply_no": {
            ID: Answer(
                "Jawaban TIDAK diterima", "Jawaban Anda untuk {offer}: TIDAK. Tempat diberikan kepada yang lain."
            ),
            EN: Answer("Your NO was received", "Your answer for {offer}: NO. The seat goes to the next."),
        },
        "reply_yes": {
            ID: Answer("Jawaban YA diterima", "Jawaban Anda untuk {offer}: YA. Kepastian tempat menyusul."),
            EN: Answer("Your YES was received", "Your answer for {offer}: YES. We confirm the seat next."),
        },
        "reply_which": {
            ID: Answer(
                "Tawaran yang mana?", "Ada lebih dari satu tawaran. Balas YA atau TIDAK dengan nomornya: {choices}"
            ),
            EN: Answer("Which offer?", "There is more than one offer. Reply YES or NO with its number: {choices}"),
        },
        "reply_no_offer": {
            ID: Answer(
                "Tidak ada tawaran terbuka",
                "Terima kasih. Saat ini tidak ada tawaran yang menunggu jawaban Anda. Bila perlu, tulis pesan untuk "
                "kantor dinas.",
            ),
            EN: Answer(
                "No open offer",
                "Thank you. No offer is waiting for your answer now. You may write to the office in your own words.",
            ),
        },
        "reply_too_late": {
            ID: Answer(
                "Jawaban terlambat", "Maaf, batas waktu jawaban untuk {offer} sudah lewat. Kantor dinas dapat membantu."
            ),
            EN: Answer("Answered too late", "Sorry, the time to answer for {offer} is over. The office can help you."),
        },
        "reply_stopped": {
            ID: Answer(
                "Pesan dihentikan",
                "Kami tidak mengirim pesan lagi; kabar Anda tetap ada di kotak masuk. Balas MULAI untuk memulai.",
            ),
            EN: Answer(
                "Messages stopped",
                "We send you no more messages; your news stays in the inbox. Reply START to begin again.",
            ),
        },
        "reply_started": {
            ID: Answer(
                "Pesan dimulai lagi", "Anda akan menerima pesan kami lagi. Balas BERHENTI untuk menghentikannya."
            ),
            EN: Answer("Messages begin again", "You will get our messages again. Reply STOP to end them."),
        },
        "reply_passed_on": {
            ID: Answer("Pesan diteruskan", "Terima kasih, pesan Anda sudah diteruskan ke kantor dinas wilayah Anda."),
            EN: Answer("Passed on", "Thank you, your message was passed on to the office of your region."),
        },
    }
)
OWNER_WROTE: Mapping[Language, Answer] = MappingProxyType(
    {
        ID: Answer("Pemilik usaha menulis", '{owner} ({business}) menulis: "{quote}"'),
        EN: Answer("An owner wrote", '{owner} ({business}) wrote: "{quote}"'),
    }
)
