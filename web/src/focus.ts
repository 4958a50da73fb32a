/** Where the focus of the keyboard goes when what it stood on is taken away. */
import { useEffect, useRef } from "preact/hooks";
import type { RefObject } from "preact";

const FIELDS = "input, select, textarea, button";

/** Stand on the heading of the page, from which one reads on; it is always there. */
export function toHeading(): void {
  document.querySelector<HTMLElement>("main h1")?.focus();
}

/**
 * Moves the focus with a question that takes the place of the button that opens it: into the question as it opens, back
 * to the button as it closes, and to the heading of the page where all of it goes while the focus is in it.
 */
export function useQuestion<Whole extends HTMLElement>(asking: boolean): { whole: RefObject<Whole>; opener: RefObject<HTMLButtonElement> } {
  const whole = useRef<Whole>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  useEffect(() => {
    if (asking) whole.current?.querySelector<HTMLElement>(FIELDS)?.focus();
    else if (asked.current) opener.current?.focus();
    asked.current = asking;
  }, [asking]);
  useLeaving(() => whole.current ?? opener.current);
  return { whole, opener };
}

/** Stands on the heading of the page where a part of it goes while the focus is in it. */
export function useLeaving(part: () => HTMLElement | null): void {
  useEffect(() => () => {
    if (part()?.contains(document.activeElement)) toHeading();
  }, []);
}
