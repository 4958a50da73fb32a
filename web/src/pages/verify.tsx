import { useState } from "preact/hooks";
import { CodeForm } from "../code-form";
import { useWords } from "../ui";

const WHERE = { paper: "/aid/verify/", certificate: "/registration/certificate-pages/" };

/** Leads to the public page of a paper, which is the services' own and needs no script. */
export function Verify() {
  const say = useWords();
  const [kind, setKind] = useState<keyof typeof WHERE>("paper");

  return (
    <CodeForm
      title={say.verify} lead={say.verifyLead} label={say.verifyCode} button={say.check}
      mistake={(code) => (code ? undefined : say.error.no_code)}
      go={(code) => location.assign(WHERE[kind] + encodeURIComponent(code))}
    >
      <label for="kind">{say.kind}</label>
      <select id="kind" value={kind} onChange={(event) => setKind(event.currentTarget.value as keyof typeof WHERE)}>
        <option value="paper">{say.paper}</option>
        <option value="certificate">{say.certificate}</option>
      </select>
    </CodeForm>
  );
}
