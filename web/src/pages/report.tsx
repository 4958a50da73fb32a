import { CodeForm } from "../code-form";
import { ownWords } from "../own/words";
import { useWords } from "../ui";

const CODE = /^[A-Z2-7]{26}$/;

/** Leads to the page on which a handwashing station is reported, for whoever cannot scan its QR code. */
export default function Report() {
  const words = useWords();
  const say = ownWords[words.language];

  function leads(typed: string): string | undefined {
    const code = typed.replace(/[\s-]/g, "").toUpperCase();
    if (!CODE.test(code)) return say.reportWrong;
    location.assign(`/aid/station-reports/${code}`);
    return undefined;
  }

  return (
    <>
      <CodeForm title={words.report} lead={say.reportLead} label={say.reportCode} hint={say.reportHint} button={say.reportNext} leads={leads} />
      <p class="hint">{say.nobodyKept}</p>
    </>
  );
}
