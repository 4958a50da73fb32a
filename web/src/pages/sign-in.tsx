import { useContext, useState } from "preact/hooks";
import { post, Trouble } from "../api";
import { nowSignedIn } from "../field/kept";
import { signedIn } from "../session";
import { Heading, Link, mistake, Sharing, told, useWords, Waiting } from "../ui";

type Named = { id: string; name: string };

export function SignIn({ to }: { to: string }) {
  const say = useWords();
  const { go } = useContext(Sharing);
  const [phone, setPhone] = useState("");
  const [code, setCode] = useState("");
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [owners, setOwners] = useState<Named[]>([]);
  const [fault, setFault] = useState<unknown>();
  const wrong = told(fault, say);

  async function carryOut(what: () => Promise<void>): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      await what();
    } catch (why) {
      if (why instanceof Trouble && why.code === "owner_not_chosen") setOwners(why.members["owners"] as Named[]);
      else setFault(why);
    } finally {
      setBusy(false);
    }
  }

  function ask(event: Event): void {
    event.preventDefault();
    if (!/^[+0-9(][0-9 ()./-]{4,29}$/.test(phone.trim())) return setFault(mistake("invalid_phone"));
    void carryOut(async () => {
      await post("/notifications/sign-in/codes", { phone: phone.trim() });
      setCode("");
      setSent(true);
    });
  }

  function show(owner?: string): void {
    const digits = code.replace(/\D/g, "");
    if (digits.length !== 6) return setFault(mistake("bad_code"));
    void carryOut(async () => {
      const body = { phone: phone.trim(), code: digits, ...(owner ? { owner_id: owner } : {}) };
      await nowSignedIn("");
      signedIn((await post("/notifications/sign-in/sessions", body)).expires_at);
      go(to);
    });
  }

  const error = wrong && <p class="wrong" id="wrong" role="alert">{wrong}</p>;
  if (!sent) {
    return (
      <form onSubmit={ask} noValidate>
        <Heading>{say.signIn}</Heading>
        <p>{say.signInLead}</p>
        <label for="phone">{say.phone}</label>
        <input
          id="phone" type="tel" inputMode="tel" autocomplete="tel" value={phone} required
          aria-describedby={wrong ? "wrong hint" : "hint"} aria-invalid={wrong !== ""}
          onInput={(event) => setPhone(event.currentTarget.value)}
        />
        <p class="hint" id="hint">{say.phoneHint}</p>
        {error}
        <button type="submit" disabled={busy}>{say.sendCode}</button>
        {busy && <Waiting what={say.sending} />}
        <Link to="/masuk-kantor" kind="second">{say.officeSignIn}</Link>
      </form>
    );
  }
  return (
    <form onSubmit={(event) => { event.preventDefault(); show(); }} noValidate>
      <Heading key="code">{say.signIn}</Heading>
      <p>{say.codeSent(phone.trim())}</p>
      <label for="code">{say.code}</label>
      <input
        id="code" type="text" inputMode="numeric" autocomplete="one-time-code" maxLength={9} value={code} required
        aria-describedby={wrong ? "wrong hint" : "hint"} aria-invalid={wrong !== ""}
        onInput={(event) => setCode(event.currentTarget.value)}
      />
      <p class="hint" id="hint">{say.codeHelp}</p>
      {error}
      {owners.length > 0 ? (
        <fieldset>
          <legend>{say.whoAreYou}</legend>
          {owners.map((one) => (
            <button key={one.id} type="button" disabled={busy} onClick={() => show(one.id)}>{one.name}</button>
          ))}
        </fieldset>
      ) : (
        <button type="submit" disabled={busy}>{say.signIn}</button>
      )}
      <button type="button" class="second" onClick={() => { setSent(false); setOwners([]); setFault(undefined); }}>{say.otherPhone}</button>
      {busy && <Waiting what={say.sending} />}
    </form>
  );
}
