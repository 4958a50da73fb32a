import { CodeForm } from "../code-form";
import { ownWords } from "../own/words";
import { useWords } from "../ui";

const CODE = /^[A-Z2-7]{26}$/;

/** Leads to the page on which a handwashing station is reported, for whoever cannot scan its QR code. */
export default function Report() {
  const words = useWords();
  const say = ownWords[words.language];

  return (
    <>
      <CodeForm
        title={words.report} lead={say.reportLead} label={say.reportCode} hint={say.reportHint} button={say.reportNext}
        mistake={(typed) => (CODE.test(plain(typed)) ? undefined : say.reportWrong)}
        go={(typed) => location.assign(`/aid/station-reports/${plain(typed)}`)}
      />
      <p class="hint">{say.nobodyKept}</p>
    </>
  );
}

/** A code without the strokes between its groups, in capitals, as the address has it. */
function plain(typed: string): string {
  return typed.replace(/[\s-]/g, "").toUpperCase();
}
