/** A page that is loaded when it is opened, so that who never opens it carries nothing of it. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failed, useWords, Waiting } from "./ui";

export function Lazy({ load }: { load: () => Promise<ComponentType> }) {
  const say = useWords();
  const [Page, setPage] = useState<ComponentType>();
  const [fault, setFault] = useState<unknown>();
  const again = () => {
    setFault(undefined);
    load().then((page) => setPage(() => page), setFault);
  };
  useEffect(again, []);
  if (Page) return <Page />;
  return fault === undefined ? <Waiting what={say.loadPage} /> : <Failed fault={fault} again={again} />;
}
