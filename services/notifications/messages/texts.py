"""The words of every message in Indonesian and English; who gets which stands in `rules.py`.

Shape:  by purpose, then by language; the names in braces are those that `facts.py` knows of the fact
Source: DOMAIN notifications: plain Indonesian first, at most 320 characters, who, what, when, where, and why
"""

from dataclasses import dataclass

from services.notifications.people import Language


@dataclass(frozen=True, slots=True)
class Words:
    """One message in one language: a title, the body, and why its reader gets it."""

    title: str
    body: str
    why: str


ID, EN = Language.INDONESIAN, Language.ENGLISH

TEXTS: dict[str, dict[Language, Words]] = {
    "welcome": {
        ID: Words(
            "Usaha Anda sudah terdaftar",
            "{business} sudah terdaftar di Serumpun, wilayah {region}. Kabar bantuan dan pelatihan untuk usaha Anda "
            "akan muncul di sini. Dicatat oleh {giver}. Ada yang keliru? Hubungi kantor dinas.",
            "Anda menerima pesan ini karena tercatat sebagai pemilik usaha ini.",
        ),
        EN: Words(
            "Your business is registered",
            "{business} is now registered with Serumpun, region {region}. News of aid and training for your business "
            "will appear here. Recorded by {giver}. Anything wrong? Please call the office.",
            "You get this because you are recorded as the owner of this business.",
        ),
    },
    "aid": {
        ID: Words(
            "Bantuan untuk usaha Anda",
            "{business} tercatat menerima bantuan {programme}. Isi penyaluran: {goods}. Tempat: {place}, {when}. "
            "Dari: {giver}. No. {number}.",
            "Anda menerima pesan ini karena usaha Anda tercatat sebagai penerima.",
        ),
        EN: Words(
            "Aid for your business",
            "{business} is recorded as receiving aid ({programme}). Handed out: {goods}. Place: {place}, {when}. "
            "From: {giver}. No. {number}.",
            "You get this because your business is recorded as a recipient.",
        ),
    },
    "aid_office": {
        ID: Words(
            "Bantuan disalurkan di wilayah {region}",
            "Penyaluran {programme} No. {number}: {goods} untuk {recipients}. Tempat: {place}, {when}. "
            "Dicatat oleh {giver}.",
            "Anda menerima pesan ini karena bertugas di wilayah ini.",
        ),
        EN: Words(
            "Aid handed out in region {region}",
            "Distribution ({programme}) No. {number}: {goods} for {recipients}. Place: {place}, {when}. "
            "Recorded by {giver}.",
            "You get this because you serve this region.",
        ),
    },
    "void": {
        ID: Words(
            "Catatan bantuan dibatalkan",
            "Catatan bantuan No. {number} ({goods}; {place}, {when}) dibatalkan. Alasan: {reason}. Oleh: {giver}.",
            "Anda menerima pesan ini karena sebelumnya diberi tahu tentang bantuan ini.",
        ),
        EN: Words(
            "An aid record was cancelled",
            "Aid record No. {number} ({goods}; {place}, {when}) has been cancelled. Reason: {reason}. By: {giver}.",
            "You get this because you were told of this aid before.",
        ),
    },
    "void_office": {
        ID: Words(
            "Penyaluran dibatalkan di wilayah {region}",
            "Penyaluran No. {number} ({goods}; {place}, {when}) dibatalkan dan stok kembali. Alasan: {reason}. "
            "Oleh: {giver}.",
            "Anda menerima pesan ini karena sebelumnya diberi tahu tentang penyaluran ini.",
        ),
        EN: Words(
            "A distribution was cancelled in region {region}",
            "Distribution No. {number} ({goods}; {place}, {when}) was cancelled, stock is back. Reason: {reason}. "
            "By: {giver}.",
            "You get this because you were told of this distribution before.",
        ),
    },
    "stock_in": {
        ID: Words(
            "Barang masuk di {place}",
            "{goods} masuk di {place} dari {origin}, {when}. No. {number}. Dicatat oleh {giver}.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Goods received at {place}",
            "{goods} received at {place} from {origin}, {when}. No. {number}. Recorded by {giver}.",
            "You get this because your office keeps this stock.",
        ),
    },
    "restated": {
        ID: Words(
            "Angka stok di {place} berubah",
            "Catatan susulan No. {number} untuk {when} mengubah angka stok hari-hari sesudahnya: {changes}. "
            "Laporan yang sudah dicetak perlu diperiksa.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Stock figures at {place} have changed",
            "Late record No. {number} for {when} changes the stock of the days after it: {changes}. "
            "Check reports that were printed before.",
            "You get this because your office keeps this stock.",
        ),
    },
    "goods_coming": {
        ID: Words(
            "Kiriman menuju {to_place}",
            "{goods} dikirim dari {from_place} ke {to_place}, {when}. No. {number}. Saat tiba, hitung lalu catat yang "
            "diterima dan yang ditolak.",
            "Anda menerima pesan ini karena kantor Anda tujuan kiriman ini.",
        ),
        EN: Words(
            "Goods on their way to {to_place}",
            "{goods} sent from {from_place} to {to_place}, {when}. No. {number}. When they arrive, count them and "
            "record what is accepted and what is rejected.",
            "You get this because your office is to receive these goods.",
        ),
    },
    "goods_arrived": {
        ID: Words(
            "Kiriman tiba di {to_place}",
            "Kiriman No. {number} dari {from_place} tiba di {to_place}, {when}. "
            "Diterima: {goods}. Ditolak: {rejected}.",
            "Anda menerima pesan ini karena kantor Anda pengirimnya.",
        ),
        EN: Words(
            "Goods arrived at {to_place}",
            "Transfer No. {number} from {from_place} arrived at {to_place}, {when}. Accepted: {goods}. "
            "Rejected: {rejected}.",
            "You get this because your office sent them.",
        ),
    },
}
