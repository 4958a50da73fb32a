import { useState } from "preact/hooks";
import { Heading, useWords } from "../ui";

const WHERE = { paper: "/aid/verify/", certificate: "/registration/certificate-pages/" };

/** Leads to the public page of a paper, which is the services' own and needs no script. */
export function Verify() {
  const say = useWords();
  const [kind, setKind] = useState<keyof typeof WHERE>("paper");
  const [code, setCode] = useState("");
  const [wrong, setWrong] = useState("");

  function check(event: Event): void {
    event.preventDefault();
    if (!code.trim()) return setWrong(say.error.no_code);
    location.assign(WHERE[kind] + encodeURIComponent(code.trim()));
  }

  return (
    <form onSubmit={check} noValidate>
      <Heading>{say.verify}</Heading>
      <p>{say.verifyLead}</p>
      <label for="kind">{say.kind}</label>
      <select id="kind" value={kind} onChange={(event) => setKind(event.currentTarget.value as keyof typeof WHERE)}>
        <option value="paper">{say.paper}</option>
        <option value="certificate">{say.certificate}</option>
      </select>
      <label for="code">{say.verifyCode}</label>
      <input
        id="code" autocomplete="off" autocapitalize="none" spellcheck={false} value={code} required
        aria-describedby={wrong ? "wrong" : undefined} aria-invalid={wrong !== ""}
        onInput={(event) => setCode(event.currentTarget.value)}
      />
      {wrong && <p class="wrong" id="wrong" role="alert">{wrong}</p>}
      <button type="submit">{say.check}</button>
    </form>
  );
}
