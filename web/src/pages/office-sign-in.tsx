import { useContext, useState } from "preact/hooks";
import { post, Trouble } from "../api";
import { nowSignedIn } from "../field/kept";
import { home, signedIn } from "../session";
import { Heading, Link, mistake, Sharing, told, useWords, Waiting } from "../ui";

/** The office signs in by the token that its operator or its own sign-in service has given it. */
export function OfficeSignIn({ to }: { to: string }) {
  const say = useWords();
  const { go } = useContext(Sharing);
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const wrong = told(fault, say);

  async function signIn(event: Event): Promise<void> {
    event.preventDefault();
    const shown = token.trim();
    if (!/^[\x21-\x7e]+$/.test(shown)) return setFault(mistake("no_token"));
    setBusy(true);
    setFault(undefined);
    try {
      await nowSignedIn(""); // what somebody else has not sent yet waits for them
      const { subject, role, regions, expires_at } = await post("/notifications/sign-in/sessions/office", undefined, { token: shown });
      signedIn(expires_at, { subject, role, regions });
      await nowSignedIn(subject);
      go(to || home());
    } catch (why) {
      const refused = why instanceof Trouble && (why.status === 401 || why.status === 403);
      setFault(refused ? mistake("token_refused") : why);
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void signIn(event)} noValidate>
      <Heading>{say.officeSignIn}</Heading>
      <p>{say.officeSignInLead}</p>
      <label for="token">{say.token}</label>
      <input
        id="token" type="password" autocomplete="off" autocapitalize="none" spellcheck={false} value={token} required
        aria-describedby={wrong ? "wrong hint" : "hint"} aria-invalid={wrong !== ""}
        onInput={(event) => setToken(event.currentTarget.value)}
      />
      <p class="hint" id="hint">{say.tokenHint}</p>
      {wrong && <p class="wrong" id="wrong" role="alert">{wrong}</p>}
      <button type="submit" disabled={busy}>{say.signIn}</button>
      {busy && <Waiting what={say.sending} />}
      <Link to="/masuk" kind="second">{say.ownerSignIn}</Link>
    </form>
  );
}
