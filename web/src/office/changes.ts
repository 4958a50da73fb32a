/** That something happened to stock or aid, as the live feed tells it; many in a row are told as one. */
import { follow } from "../live";

const TYPES = [
  "stock.received", "stock.issued", "stock.counted", "stock.reversed", "stock.reserved", "stock.released", "stock.returned", "stock.restated",
  "stock.low", "stock.out", "stock.restored", "stock.expiring", "transfer.dispatched", "transfer.received", "transfer.voided",
  "distribution.posted", "distribution.voided", "exception.opened", "exception.changed", "exception.applied", "exception.dropped", "exception.overdue",
].map((name) => `serumpun.${name}.v1`);
const TOGETHER_MILLISECONDS = 500;

export function followChanges(changed: () => void, standing: (live: boolean) => void): () => void {
  let timer = 0;
  const stop = follow(`/aid/live?types=${TYPES.join(",")}`, TYPES, () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(changed, TOGETHER_MILLISECONDS);
  }, standing);
  return () => {
    window.clearTimeout(timer);
    stop();
  };
}
