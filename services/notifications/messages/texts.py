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
    "survey": {
        ID: Words(
            "Mohon isi survei usaha",
            "{business}: mohon isi {survey} sampai {until}, cukup sekali: {link} Jawaban rahasia. "
            "Kantor dinas {region}.",
            "Anda menerima pesan ini karena tercatat sebagai pemilik usaha ini.",
        ),
        EN: Words(
            "Please answer a business survey",
            "{business}: please answer {survey} by {until}, just once: {link} It is confidential. "
            "The office of {region}.",
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
    "order_offered": {
        ID: Words(
            "Tawaran pesanan untuk usaha Anda",
            "{business} ditawari pesanan {order}, {price} per satuan, selesai {due_on}, antar ke {place}. "
            "Jawab sebelum {answer_by}: terima atau tolak. Dari: {giver}.",
            "Anda menerima pesan ini karena usaha Anda terpilih menurut skor yang dapat dilihat di kantor dinas.",
        ),
        EN: Words(
            "An order is offered to your business",
            "{business} is offered an order of {order}, {price} each, due {due_on}, to be delivered to {place}. "
            "Answer by {answer_by}: accept or decline. From: {giver}.",
            "You get this because your business was chosen by a score that you can see at the office.",
        ),
    },
    "order_taken_back": {
        ID: Words(
            "Sisa pesanan ditarik kembali",
            "Pesanan {business}: {released} yang belum diterima ditarik kembali. Alasan: {reason}. "
            "Yang sudah diterima tetap dibayar. Oleh: {giver}.",
            "Anda menerima pesan ini karena pesanan ini ada pada usaha Anda.",
        ),
        EN: Words(
            "The rest of an order was taken back",
            "Order of {business}: {released} not yet accepted was taken back. Reason: {reason}. "
            "What was accepted is still paid. By: {giver}.",
            "You get this because the order was with your business.",
        ),
    },
    "order_paid": {
        ID: Words(
            "Pembayaran pesanan",
            "{business}: dibayar {amount} untuk pesanan {order}, {when}. Ref. {reference}. Sisa: {balance}. "
            "Oleh: {giver}.",
            "Anda menerima pesan ini karena tercatat sebagai pemilik usaha ini.",
        ),
        EN: Words(
            "Payment for an order",
            "{business}: {amount} paid for the order of {order}, {when}. Ref. {reference}. Still due: {balance}. "
            "By: {giver}.",
            "You get this because you are recorded as the owner of this business.",
        ),
    },
    "order_delivered": {
        ID: Words(
            "Hasil pesanan tiba di {place}",
            "Diterima: {goods}, {when}. Ditolak: {rejected}. No. {number}. Dari pesanan {order}, batas {due_on}. "
            "Dicatat oleh {giver}.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Ordered goods delivered at {place}",
            "Accepted: {goods}, {when}. Rejected: {rejected}. No. {number}. Of the order of {order}, due {due_on}. "
            "Recorded by {giver}.",
            "You get this because your office keeps this stock.",
        ),
    },
    "station_reported": {
        ID: Words(
            "Laporan warga: tempat cuci tangan di {site}",
            "Warga melapor tempat cuci tangan {station} di {site} tidak dapat dipakai ({problem}), sejak {when}. Mohon "
            "diperiksa, lalu catat kunjungannya.",
            "Anda menerima pesan ini karena kantor Anda merawat tempat ini.",
        ),
        EN: Words(
            "The public reports a station at {site}",
            "The public says that handwashing station {station} at {site} cannot be used ({problem}), since {when}. "
            "Please look, and record the visit.",
            "You get this because your office keeps this station.",
        ),
    },
    "station_dry": {
        ID: Words(
            "Tempat cuci tangan kosong di {site}",
            "Tempat cuci tangan {station} di {site} tanpa air atau sabun sejak {when}. Mohon diisi, lalu catat "
            "kunjungannya.",
            "Anda menerima pesan ini karena kantor Anda merawat tempat ini.",
        ),
        EN: Words(
            "Handwashing station empty at {site}",
            "Handwashing station {station} at {site} is without water or soap since {when}. Please refill it and "
            "record the visit.",
            "You get this because your office keeps this station.",
        ),
    },
    "station_broken": {
        ID: Words(
            "Tempat cuci tangan rusak di {site}",
            "Tempat cuci tangan {station} di {site} rusak sejak {when}. Mohon diperbaiki atau diganti, lalu catat "
            "kunjungannya.",
            "Anda menerima pesan ini karena kantor Anda merawat tempat ini.",
        ),
        EN: Words(
            "Handwashing station broken at {site}",
            "Handwashing station {station} at {site} is broken since {when}. Please repair or replace it and "
            "record the visit.",
            "You get this because your office keeps this station.",
        ),
    },
    "exception_opened": {
        ID: Words(
            "Belum terbukukan di {place}",
            "Yang terjadi {when} di {place} belum dapat dibukukan: {why}. Mohon cari sebabnya, lalu "
            "bukukan atau batalkan paling lambat {until}.",
            "Anda menerima pesan ini karena kantor Anda merawat stok ini.",
        ),
        EN: Words(
            "Not yet in the book at {place}",
            "What happened {when} at {place} cannot be booked yet: {why}. Please find out why, then book or "
            "drop it by {until}.",
            "You get this because your office keeps this stock.",
        ),
    },
    "exception_yours": {
        ID: Words(
            "Diserahkan kepada Anda: {place}",
            "Anda diminta menyelesaikan yang terjadi {when} di {place} dan belum dibukukan: {why}. Mohon "
            "bukukan atau batalkan paling lambat {until}.",
            "Anda menerima pesan ini karena Anda ditunjuk menyelesaikannya.",
        ),
        EN: Words(
            "Handed to you: {place}",
            "You are to settle what happened {when} at {place} and is not in the book: {why}. Please book or "
            "drop it by {until}.",
            "You get this because you were named to settle it.",
        ),
    },
    "exception_overdue": {
        ID: Words(
            "Lewat waktu: belum terbukukan di {place}",
            "Yang terjadi {when} di {place} masih belum dibukukan: {why}. Batas waktunya {until}. Mohon diselesaikan.",
            "Anda menerima pesan ini karena kantor Anda merawat stok ini.",
        ),
        EN: Words(
            "Overdue: not yet in the book at {place}",
            "What happened {when} at {place} is still not booked: {why}. It was to be settled by {until}. "
            "Please settle it.",
            "You get this because your office keeps this stock.",
        ),
    },
    "market": {
        ID: Words(
            "Pasar murah di wilayah {region}",
            "Pasar murah No. {number} di {place}, {when} sampai {until}. Dijual: {offers}. Diumumkan oleh {giver}.",
            "Anda menerima pesan ini karena bertugas di wilayah ini.",
        ),
        EN: Words(
            "Cheap market in region {region}",
            "Cheap market No. {number} at {place}, {when} until {until}. On sale: {offers}. Announced by {giver}.",
            "You get this because you serve this region.",
        ),
    },
    "market_cancelled": {
        ID: Words(
            "Pasar murah dibatalkan di wilayah {region}",
            "Pasar murah No. {number} di {place}, {when}, dibatalkan. Alasan: {reason}. Oleh: {giver}.",
            "Anda menerima pesan ini karena sebelumnya diberi tahu tentang pasar murah ini.",
        ),
        EN: Words(
            "Cheap market called off in region {region}",
            "Cheap market No. {number} at {place}, {when}, will not be held. Reason: {reason}. By: {giver}.",
            "You get this because you were told of this market before.",
        ),
    },
    "kits_reserved": {
        ID: Words(
            "Perlengkapan pelatihan dicadangkan di {place}",
            "{goods} dicadangkan untuk pelatihan {training}, mulai {starts_on} di wilayah {region}. No. {number}, "
            "berlaku sampai {until}. Mohon disiapkan.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Kits for a training reserved at {place}",
            "{goods} reserved for the training {training}, from {starts_on} in region {region}. No. {number}, "
            "kept until {until}. Please have them ready.",
            "You get this because your office keeps this stock.",
        ),
    },
    "kits_refused": {
        ID: Words(
            "Perlengkapan pelatihan belum tersedia",
            "Pelatihan {training}, {starts_on}: tidak dapat dicadangkan di {place} ({because}). Kurang: {shortages}. "
            "Ada di: {elsewhere}.",
            "Anda menerima pesan ini karena bertugas di wilayah ini.",
        ),
        EN: Words(
            "Kits for a training cannot be reserved",
            "Training {training}, {starts_on}: not to be had at {place} ({because}). Short: {shortages}. "
            "Some lies at: {elsewhere}.",
            "You get this because you serve this region.",
        ),
    },
    "kits_released": {
        ID: Words(
            "Cadangan pelatihan dilepas di {place}",
            "Cadangan No. {number} untuk pelatihan {training}, {starts_on}, dilepas; sisanya tersedia lagi. "
            "Alasan: {reason}.",
            "Anda menerima pesan ini karena sebelumnya diberi tahu tentang cadangan ini.",
        ),
        EN: Words(
            "Kits for a training released at {place}",
            "Reservation No. {number} for the training {training}, {starts_on}, is released; what is left is available "
            "again. Reason: {reason}.",
            "You get this because you were told of this reservation before.",
        ),
    },
    "seat_offered": {
        ID: Words(
            "Tempat pelatihan untuk usaha Anda",
            "{business} ditawari tempat: {training}, mulai {starts_on} di {venue}. Jawab terima atau tolak sebelum "
            "{answer_by}; lewat itu untuk yang berikutnya. Dari: {giver}.",
            "Anda menerima pesan ini karena usaha Anda mendaftar pelatihan ini.",
        ),
        EN: Words(
            "A training seat for your business",
            "{business} is offered a seat: {training}, from {starts_on} at {venue}. Answer by {answer_by}: accept or "
            "decline. After that the next one is asked. From: {giver}.",
            "You get this because your business applied for this training.",
        ),
    },
    "seat_accepted": {
        ID: Words(
            "Tempat pelatihan sudah pasti",
            "{business} tercatat sebagai peserta {training}, mulai {starts_on} di {venue}. Tunjukkan kode peserta di "
            "pintu. Berhalangan? Hubungi kantor dinas. Dicatat oleh {giver}.",
            "Anda menerima pesan ini karena tempat ini diterima atas nama usaha Anda.",
        ),
        EN: Words(
            "Your training seat is fixed",
            "{business} takes part in {training}, from {starts_on} at {venue}. Show your entry code at the door. "
            "Cannot come? Please call the office. Recorded by {giver}.",
            "You get this because the seat was accepted for your business.",
        ),
    },
    "seat_expired": {
        ID: Words(
            "Tawaran tempat pelatihan berakhir",
            "Tawaran tempat untuk {business} di {training}, {starts_on}, {venue}, tidak dijawab tepat waktu dan "
            "diberikan ke yang berikutnya. Anda dapat mendaftar lagi di kantor dinas.",
            "Anda menerima pesan ini karena usaha Anda mendapat tawaran ini.",
        ),
        EN: Words(
            "The offer of a training seat has ended",
            "The seat offered to {business} in {training}, {starts_on}, {venue}, was not answered in time and goes to "
            "the next. You can apply again at the office.",
            "You get this because your business had this offer.",
        ),
    },
    "seat_waitlisted": {
        ID: Words(
            "Usaha Anda di daftar tunggu",
            "{business} ada di daftar tunggu {training}, mulai {starts_on} di {venue}. Bila ada tempat kosong, Anda "
            "diberi tahu di sini. Dari: {giver}.",
            "Anda menerima pesan ini karena usaha Anda mendaftar pelatihan ini.",
        ),
        EN: Words(
            "Your business is on the waiting list",
            "{business} is on the waiting list of {training}, from {starts_on} at {venue}. You are told here when a "
            "seat becomes free. From: {giver}.",
            "You get this because your business applied for this training.",
        ),
    },
    "seat_withdrawn": {
        ID: Words(
            "Keikutsertaan pelatihan dibatalkan",
            "{business} tidak lagi terdaftar di {training}, {starts_on}, {venue}. Alasan: {reason}. Dicatat oleh "
            "{giver}.",
            "Anda menerima pesan ini karena usaha Anda terdaftar di pelatihan ini.",
        ),
        EN: Words(
            "Your training seat was withdrawn",
            "{business} is no longer enrolled in {training}, {starts_on}, {venue}. Reason: {reason}. Recorded by "
            "{giver}.",
            "You get this because your business was enrolled in this training.",
        ),
    },
    "training_moved": {
        ID: Words(
            "Perubahan jadwal pelatihan",
            "{training}: sesi {session}, {change}, di {venue}. Alasan: {reason}. Dari: {giver}.",
            "Anda menerima pesan ini karena usaha Anda terdaftar di pelatihan ini.",
        ),
        EN: Words(
            "A training has changed",
            "{training}: session {session}, {change}, at {venue}. Reason: {reason}. From: {giver}.",
            "You get this because your business is enrolled in this training.",
        ),
    },
    "training_cancelled": {
        ID: Words(
            "Pelatihan dibatalkan",
            "Pelatihan {training}, mulai {starts_on} di wilayah {region}, dibatalkan. Alasan: {reason}. Dari: {giver}.",
            "Anda menerima pesan ini karena usaha Anda terdaftar di pelatihan ini.",
        ),
        EN: Words(
            "A training is called off",
            "The training {training}, from {starts_on} in region {region}, will not be held. Reason: {reason}. "
            "From: {giver}.",
            "You get this because your business is enrolled in this training.",
        ),
    },
    "certificate_issued": {
        ID: Words(
            "Sertifikat pelatihan Anda",
            "{business} mendapat sertifikat No. {number} untuk {training}. Ambil di kantor dinas atau unduh di "
            "Serumpun. Siapa pun dapat memeriksanya lewat kode QR. Dari: {giver}.",
            "Anda menerima pesan ini karena usaha Anda mengikuti pelatihan ini.",
        ),
        EN: Words(
            "Your training certificate",
            "{business} has certificate No. {number} for {training}. Get it at the office or download it from "
            "Serumpun. Everybody can check it by its QR code. From: {giver}.",
            "You get this because your business attended this training.",
        ),
    },
    "certificate_revoked": {
        ID: Words(
            "Sertifikat pelatihan dicabut",
            "Sertifikat No. {number} milik {business} untuk {training} dicabut. Alasan: {reason}. Oleh: {giver}.",
            "Anda menerima pesan ini karena sertifikat ini milik usaha Anda.",
        ),
        EN: Words(
            "A training certificate was revoked",
            "Certificate No. {number} of {business} for {training} was revoked. Reason: {reason}. By: {giver}.",
            "You get this because the certificate is your business's.",
        ),
    },
    "price_alert": {
        ID: Words(
            "Harga di atas HET di wilayah {region}",
            "{item} di {place}: {price} per {unit}, {when}. Harga eceran tertinggi (HET): {ceiling}. "
            "Dicatat oleh {giver}. Kabar berikutnya setelah harga sempat turun ke HET.",
            "Anda menerima pesan ini karena bertugas di wilayah ini.",
        ),
        EN: Words(
            "Price above its ceiling in region {region}",
            "{item} at {place}: {price} per {unit}, {when}. Highest retail price: {ceiling}. "
            "Recorded by {giver}. You are told again after the price has been back at the ceiling.",
            "You get this because you serve this region.",
        ),
    },
    "ledger_audit": {
        ID: Words(
            "Pemeriksaan buku stok menemukan selisih",
            "Pemeriksaan malam {when}: {found} angka buku stok tidak sesuai jurnalnya. Rinciannya ada di daftar "
            "pemeriksaan; mohon operator menjalankan serumpun verify.",
            "Anda menerima pesan ini karena bertugas untuk provinsi ini.",
        ),
        EN: Words(
            "The audit of the stock ledger found something",
            "The nightly audit of {when}: {found} figures of the stock ledger do not follow from its journal. Details "
            "are in the list of audits; please have an operator run serumpun verify.",
            "You get this because you serve this province.",
        ),
    },
    "reserved_expires": {
        ID: Words(
            "Cadangan kedaluwarsa sebelum dipakai di {place}",
            "{place}: {on_hand} {item}, lot {lot}, kedaluwarsa {expires_on}, sebelum hari pemakaiannya. Jadwal "
            "pelatihannya berpindah. Mohon ganti dengan lot yang lebih baru.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Promised goods expire before use at {place}",
            "{place}: {on_hand} of {item}, lot {lot}, expire on {expires_on}, before the day on which they are wanted. "
            "The training was moved. Please put a newer lot in their place.",
            "You get this because your office keeps this stock.",
        ),
    },
    "stock_low": {
        ID: Words(
            "Stok menipis di {place}",
            "{place}: {item} tinggal {on_hand}, batas pesan ulang {low_at}. Tidak dihitung karena kedaluwarsa atau "
            "ditahan: {left_out}. Mohon pesan atau minta kiriman sebelum habis.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Stock is low at {place}",
            "{place}: {on_hand} of {item} left, the reorder level is {low_at}. Not counted, as expired or on hold: "
            "{left_out}. Please order or ask for a transfer before it runs out.",
            "You get this because your office keeps this stock.",
        ),
    },
    "stock_out": {
        ID: Words(
            "Stok habis di {place}",
            "{place}: {item} habis. Batas pesan ulang {low_at}. Tidak dihitung karena kedaluwarsa atau ditahan: "
            "{left_out}. Mohon segera pesan atau minta kiriman.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Out of stock at {place}",
            "{place}: {item} has run out. The reorder level is {low_at}. Not counted, as expired or on hold: "
            "{left_out}. Please order or ask for a transfer now.",
            "You get this because your office keeps this stock.",
        ),
    },
    "stock_expiring": {
        ID: Words(
            "Segera kedaluwarsa di {place}",
            "{place}: {on_hand} {item}, lot {lot}, kedaluwarsa {expires_on}. Mohon salurkan dulu lot ini.",
            "Anda menerima pesan ini karena stok ini tanggung jawab kantor Anda.",
        ),
        EN: Words(
            "Expiring soon at {place}",
            "{place}: {on_hand} of {item}, lot {lot}, expires on {expires_on}. Please hand this lot out first.",
            "You get this because your office keeps this stock.",
        ),
    },
}
