import { useState } from "preact/hooks";
import { CodeForm } from "../code-form";
import { useWords } from "../ui";

const WHERE = { paper: "/aid/verify/", certificate: "/registration/certificate-pages/" };

/** Leads to the public page of a paper, which is the services' own and needs no script. */
export function Verify() {
  const say = useWords();
  const [kind, setKind] = useState<keyof typeof WHERE>("paper");

  function leads(code: string): string | undefined {
    if (!code) return say.error.no_code;
    location.assign(WHERE[kind] + encodeURIComponent(code));
    return undefined;
  }

  return (
    <CodeForm title={say.verify} lead={say.verifyLead} label={say.verifyCode} button={say.check} leads={leads}>
      <label for="kind">{say.kind}</label>
      <select id="kind" value={kind} onChange={(event) => setKind(event.currentTarget.value as keyof typeof WHERE)}>
        <option value="paper">{say.paper}</option>
        <option value="certificate">{say.certificate}</option>
      </select>
    </CodeForm>
  );
}
