import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import { useWords, Waiting } from "../ui";
import { exported, imported, PASSPHRASE_LENGTH_MIN, type Taken } from "./moving";
import { handOver } from "./photos";
import { queueWords } from "./queue-words";

type Words = (typeof queueWords)["id"];
/** What came of it, looked up at each drawing, for whoever changes the language meanwhile. */
type Told = { said: (words: Words) => string; wrong: boolean };

/** For a telephone that breaks: what waits goes out as an encrypted file, and comes in on another one. */
export const Queue: FunctionComponent<{ by: string; today: string; changed: () => void }> = ({ by, today, changed }) => {
  const { language } = useWords();
  const say = queueWords[language];
  const [passphrase, setPassphrase] = useState("");
  const [file, setFile] = useState<File>();
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<Told>({ said: () => "", wrong: false });
  const text = told.said(say);

  async function run(work: () => Promise<Told>): Promise<void> {
    if (busy) return;
    if (passphrase.length < PASSPHRASE_LENGTH_MIN) return setTold({ said: (words) => words.tooShort(PASSPHRASE_LENGTH_MIN), wrong: true });
    if (!crypto.subtle) return setTold({ said: (words) => words.insecure, wrong: true });
    setBusy(true);
    try {
      setTold(await work());
    } catch {
      setTold({ said: (words) => words.failed, wrong: true }); // no room, or a file that cannot be read any more
    } finally {
      setBusy(false);
    }
  }

  async function goOut(): Promise<Told> {
    const sealed = await exported(by, passphrase);
    if (!sealed) return { said: (words) => words.nothing, wrong: true };
    handOver(sealed, `serumpun-${today}.antrean`);
    return { said: (words) => words.out, wrong: false };
  }

  async function comeIn(): Promise<Told> {
    if (!file) return { said: (words) => words.noFile, wrong: true };
    const taken = await imported(by, passphrase, file);
    if (typeof taken === "string") return { said: (words) => refusal(taken, words), wrong: true };
    changed();
    return { said: (words) => words.taken(taken.fresh, taken.known), wrong: false };
  }

  return (
    <details>
      <summary>{say.title}</summary>
      <form onSubmit={(event) => event.preventDefault()}>
        <p>{say.lead}</p>
        <label for="queue-passphrase">{say.passphrase}</label>
        <input id="queue-passphrase" autocomplete="off" autocapitalize="off" spellcheck={false} aria-describedby="queue-help" value={passphrase} onInput={(event) => setPassphrase(event.currentTarget.value)} />
        <p class="hint" id="queue-help">{say.passphraseHelp(PASSPHRASE_LENGTH_MIN)}</p>
        <button type="button" aria-disabled={busy} onClick={() => void run(goOut)}>{say.goOut}</button>
        <label for="queue-file">{say.file}</label>
        <input id="queue-file" type="file" onChange={(event) => setFile(event.currentTarget.files?.[0])} />
        <button type="button" class="second" aria-disabled={busy} onClick={() => void run(comeIn)}>{say.comeIn}</button>
        {busy && <Waiting what={say.working} />}
        <p class={text && (told.wrong ? "wrong" : "notice")} role={told.wrong ? "alert" : "status"}>{text}</p>
      </form>
    </details>
  );
};

function refusal(taken: Exclude<Taken, object>, words: Words): string {
  return { wrong: words.wrong, "of-another": words.ofAnother, full: words.full }[taken];
}
