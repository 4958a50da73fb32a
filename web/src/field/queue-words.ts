/** What is said about the queue as a file. */
import type { Language, Same } from "../words";

const id = {
  title: "Pindahkan antrean ke HP lain",
  lead: "Bila HP ini rusak: simpan formulir yang belum diterima sebagai berkas terenkripsi, lalu buka di HP lain dengan akun yang sama. Setiap formulir tetap dicatat sekali, juga bila kedua HP mengirimnya.",
  passphrase: "Kata sandi berkas",
  passphraseHelp: (least: number) => `Sedikitnya ${least} huruf. Tanpa kata sandi ini berkas tidak dapat dibuka oleh siapa pun.`,
  goOut: "Simpan antrean sebagai berkas",
  file: "Berkas antrean",
  comeIn: "Ambil formulir dari berkas",
  working: "Mengunci atau membuka berkas",
  tooShort: (least: number) => `Kata sandi sedikitnya ${least} huruf.`,
  insecure: "Alamat ini tidak aman (bukan https), sehingga berkas tidak dapat dienkripsi.",
  nothing: "Tidak ada formulir yang menunggu.",
  out: "Antrean disimpan sebagai berkas. Formulir tetap ada di HP ini juga.",
  noFile: "Pilih berkasnya dulu.",
  wrong: "Kata sandi salah, atau berkasnya rusak.",
  ofAnother: "Berkas ini milik petugas lain. Masuk dengan akun yang menulis formulirnya.",
  full: "Terlalu banyak formulir di HP ini. Kirim dulu yang sudah ada.",
  failed: "Tidak berhasil: HP penuh, atau berkasnya tidak dapat dibaca. Tidak ada yang berubah; coba lagi.",
  taken: (fresh: number, known: number) => `${fresh} formulir diambil, ${known} sudah ada di HP ini.`,
};

const en: Same<typeof id> = {
  title: "Move the queue to another phone",
  lead: "When this phone breaks: keep the forms that were not accepted yet as an encrypted file, and open it on another phone with the same account. Each form is still posted once, also when both phones send it.",
  passphrase: "Passphrase of the file",
  passphraseHelp: (least) => `${least} letters at least. Without it nobody can open the file.`,
  goOut: "Keep the queue as a file",
  file: "File of a queue",
  comeIn: "Take forms from the file",
  working: "Locking or opening the file",
  tooShort: (least) => `A passphrase has ${least} letters at least.`,
  insecure: "This address is not secure (no https), so no file can be encrypted.",
  nothing: "No forms are waiting.",
  out: "The queue is kept as a file. The forms are on this phone still.",
  noFile: "Choose the file first.",
  wrong: "The passphrase is wrong, or the file is damaged.",
  ofAnother: "This file is somebody else's. Sign in with the account that wrote the forms.",
  full: "There are too many forms on this phone. Send those first.",
  failed: "This failed: the phone is full, or the file cannot be read. Nothing has changed; try again.",
  taken: (fresh, known) => `${fresh} forms taken, ${known} were here already.`,
};

export const queueWords: Record<Language, Same<typeof id>> = { id, en };
