/** What all pages share: the words of the chosen language, waiting, trouble, and emptiness that says what to do. */
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { Trouble } from "./api";
import { words, type Language, type Words } from "./words";

export type Shared = { language: Language; go: (path: string) => void; leave: (because: "over" | "out" | "later") => void };
export const Sharing = createContext<Shared>({ language: "id", go: () => {}, leave: () => {} });

export function useWords(): Words & { language: Language } {
  const { language } = useContext(Sharing);
  return { ...words[language], language };
}

export function Heading({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return <h1 tabIndex={-1} ref={heading}>{children}</h1>;
}

/** Says nothing for a second, and then what is waited for and how long already. */
export function Waiting({ what }: { what: string }) {
  const [seconds, setSeconds] = useState(0);
  const say = useWords();
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds((now) => now + 1), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return <p class="waiting" role="status">{seconds > 0 && say.wait(what, seconds)}</p>;
}

export function Empty({ title, help }: { title: string; help: string }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{help}</p>
    </div>
  );
}

export function Link({ to, children, current = false, kind }: { to: string; children: ComponentChildren; current?: boolean; kind?: string }) {
  const { go } = useContext(Sharing);
  return (
    <a
      href={to}
      class={kind}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}

/** A mistake that the page finds by itself, told like one that a service finds. */
export function mistake(code: keyof Words["error"]): Trouble {
  return new Trouble(code, 0, code, 0, {});
}

/** What is wrong, in the words of the language that is chosen now; "" where nothing is. */
export function told(fault: unknown, say: Words): string {
  if (fault === undefined) return "";
  if (!(fault instanceof Trouble)) return say.error.other(String(fault));
  if (fault.code === "too_many_requests") return say.error.too_many_requests(Math.max(1, Math.ceil(fault.retryAfterSeconds / 60)));
  if (fault.code === "invalid") {
    const errors = (fault.members["errors"] ?? []) as { code: string; detail: string; pointer: string }[];
    if (errors.some((one) => one.pointer === "/phone")) return say.error.invalid_phone;
    return say.error.other(errors.map((one) => one.detail).join(" "));
  }
  const known = (say.error as Record<string, unknown>)[fault.code];
  return typeof known === "string" ? known : say.error.other(fault.title);
}

export function Alert({ children }: { children: ComponentChildren }) {
  return <div class="alert" role="alert">{children}</div>;
}

type Asked<T> = { found: T | undefined; fault: unknown; again: () => void; anew: () => void; set: (found: T) => void };

/**
 * Ask once for what a page shows, and again on demand; a session that counts no more leads to signing in. `anew` is for
 * the clock: it leaves what stands until there is an answer, so that trouble that lasts is told once.
 */
export function useAsked<T>(ask: () => Promise<T>): Asked<T> {
  const [found, setFound] = useState<T>();
  const [fault, setFault] = useState<unknown>();
  const { leave } = useContext(Sharing);
  const set = (answer: T) => {
    setFound(answer);
    setFault(undefined);
  };
  const anew = () => {
    ask().then(set, (reason: unknown) => (isOver(reason) ? leave("over") : setFault(reason)));
  };
  const again = () => {
    setFault(undefined);
    anew();
  };
  useEffect(again, []);
  return { found, fault, again, anew, set };
}

export function isOver(fault: unknown): boolean {
  return fault instanceof Trouble && fault.status === 401;
}

export function Failed({ fault, again }: { fault: unknown; again: () => void }) {
  const say = useWords();
  return (
    <Alert>
      <p>{told(fault, say)}</p>
      <button type="button" onClick={again}>{say.tryAgain}</button>
    </Alert>
  );
}
