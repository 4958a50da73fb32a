import { uuid7 } from "./ids";
import type { Form, Kind, Lists } from "./kept";
import { minuteNow } from "./rules";
import { FORM } from "./store";

/** Goods are filled in from the first line on, except where there may be none, or where a list has them. */
const WITH_GOODS: Kind[] = ["distribution", "receipt", "count"];

/** Give a new form; its id is the key by which it is carried out once. */
export function draft(kind: Kind, by: string, lists: Lists | undefined): Form {
  const now = Date.now();
  const only = lists?.places.length === 1 ? lists.places[0]?.code : undefined;
  return {
    ...FORM, id: uuid7(now), by, kind, state: "draft", place: only ?? "", programme: "", source: "", document: "",
    occurred: minuteNow(lists), people: "", lines: WITH_GOODS.includes(kind) ? [{ item: "", quantity: "" }] : [],
    mistakes: [], number: "", changedAt: now, tries: 0,
  };
}
