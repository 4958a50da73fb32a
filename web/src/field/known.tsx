import { useState } from "preact/hooks";
import { useQuestion } from "../focus";
import { written } from "../numbers";
import { moment } from "../time";
import { useWords } from "../ui";
import { formWords } from "./forms/words";
import { discard, photoOf, type Form, type Lists } from "./kept";
import { handOver } from "./photos";
import { said } from "./fields";
import { momentOf } from "./rules";
import { tell } from "./sending";
import { fieldWords } from "./words";

const FINE = ["recorded", "repeated", "already_there"];

/** A form as it stands in the list: how far it has come, and what may be done with it. */
export function Known({ one, lists, go, gone }: { one: Form; lists: Lists | undefined; go: () => void; gone: () => void }) {
  const { language } = useWords();
  const say = fieldWords[language];
  const [asking, setAsking] = useState(false);
  const { whole, opener } = useQuestion<HTMLDivElement>(asking);
  const place = one.told["name"] || (lists?.places.find((other) => other.code === one.place)?.name ?? one.place);
  const spent = one.mistakes.some((fault) => fault.code === "idempotency_key_reused"); // its key stands for something else
  const mine = one.state === "draft" || one.state === "refused";
  return (
    <article class={mine ? "card unread" : "card"} aria-labelledby={`form-${one.id}`}>
      <p class="about">
        <span class="mark" data-state={one.state}>{say.states[one.state]}</span>
        {one.occurred && <span>{moment(momentOf(one), language)}</span>}
      </p>
      <h3 id={`form-${one.id}`}>{[say.kinds[one.kind], place].filter(Boolean).join(" · ")}</h3>
      <Contents one={one} lists={lists} />
      {one.number && <p><strong>{say.receipt(one.number)}</strong></p>}
      {one.state === "refused" && <ul>{one.mistakes.map((fault) => <li key={fault.pointer + fault.code}>{said(fault, say.mistakes)}</li>)}</ul>}
      {one.photo && <button type="button" class="second" onClick={() => void photoOf(one.id).then((photo) => photo && handOver(photo, `foto-${one.id}.jpg`))}>{say.keepPhoto}</button>}
      <div ref={whole}>
        {mine && !asking && (
          <div class="tools">
            {!spent && <button type="button" onClick={go}>{one.state === "draft" ? say.goOn : say.repair}</button>}
            <button type="button" ref={opener} class="second" onClick={() => setAsking(true)}>{say.discard}</button>
          </div>
        )}
        {asking && (
          <div class="tools" role="alert">
            <p>{say.discardAsk}</p>
            <button type="button" class="grave" onClick={() => void discard(one.id).then(tell).then(gone)}>{say.discardYes}</button>
            <button type="button" class="second" onClick={() => setAsking(false)}>{say.back}</button>
          </div>
        )}
      </div>
    </article>
  );
}

/** The goods or the scans of a form, and of scans what the server has made of each. */
function Contents({ one, lists }: { one: Form; lists: Lists | undefined }) {
  const { language } = useWords();
  const say = fieldWords[language];
  const words = formWords[language];
  const goods = one.lines.filter((line) => line.item && line.quantity).map((line) => {
    const item = lists?.items.find((other) => other.code === line.item);
    return `${item?.name ?? line.item} ${/^\d+$/.test(line.quantity) ? written(Number(line.quantity), language) : line.quantity} ${say.units[item?.unit ?? ""] ?? ""}`.trim();
  });
  const named = (id: string) => one.scans.find((scan) => scan.id === id)?.label ?? "";
  const others = one.outcomes.filter((outcome) => !FINE.includes(outcome.outcome));
  return (
    <>
      {goods.length > 0 && <p>{goods.join(", ")}</p>}
      {one.kind === "attendance" && <p>{words.participants(one.scans.length)}</p>}
      {one.kind === "sales" && <p>{words.sales(one.scans.length)}</p>}
      {one.outcomes.length > 0 && <p><strong>{say.taken(one.outcomes.length - others.length, one.outcomes.length)}</strong></p>}
      {others.length > 0 && <ul>{others.map((outcome) => <li key={outcome.id}>{say.outcome(named(outcome.id), outcome.outcome, outcome.code)}</li>)}</ul>}
    </>
  );
}
