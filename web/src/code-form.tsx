/** A page that asks for a code on paper and leads to the public page behind it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Heading } from "./ui";

type Asking = {
  title: string;
  lead: string;
  label: string;
  hint?: string;
  button: string;
  children?: ComponentChildren;
  /** Say what is wrong with a code, or nothing. */
  mistake: (code: string) => string | undefined;
  go: (code: string) => void;
};

export function CodeForm({ title, lead, label, hint, button, children, mistake, go }: Asking) {
  const [code, setCode] = useState("");
  const [tried, setTried] = useState(false);
  const wrong = tried ? mistake(code.trim()) : undefined;
  const described = [hint ? "hint" : "", wrong ? "wrong" : ""].filter(Boolean).join(" ");

  function check(event: Event): void {
    event.preventDefault();
    setTried(true);
    if (!mistake(code.trim())) go(code.trim());
  }

  return (
    <form onSubmit={check} noValidate>
      <Heading>{title}</Heading>
      <p>{lead}</p>
      {children}
      <label for="code">{label}</label>
      {hint && <p class="hint" id="hint">{hint}</p>}
      <input
        id="code" autocomplete="off" autocapitalize="none" spellcheck={false} value={code} required
        aria-describedby={described || undefined} aria-invalid={wrong !== undefined}
        onInput={(event) => setCode(event.currentTarget.value)}
      />
      {wrong && <p class="wrong" id="wrong" role="alert">{wrong}</p>}
      <button type="submit">{button}</button>
    </form>
  );
}
