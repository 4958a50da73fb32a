/** The inbox as it goes on: news from the stream, which the browser takes up again where it broke. */
import type { InboxNews } from "./api";

const AGAIN_SECONDS = [1, 2, 5, 10, 30];

/** Follow until the returned function is called; `lost` is told when the stream breaks and whether it goes on. */
export function follow(news: (told: InboxNews) => void, standing: (live: boolean) => void): () => void {
  let source: EventSource | undefined;
  let timer = 0;
  let after = "";
  let failures = 0;

  function open(): void {
    source = new EventSource(`/notifications/inbox/live${after && `?after=${after}`}`);
    source.onopen = () => {
      failures = 0;
      standing(true);
    };
    source.addEventListener("inbox", (event) => {
      after = event.lastEventId;
      news(JSON.parse(event.data) as InboxNews);
    });
    source.onerror = () => {
      standing(false);
      if (source?.readyState !== EventSource.CLOSED) return; // it comes back by itself, with Last-Event-ID
      window.clearTimeout(timer);
      timer = window.setTimeout(open, (AGAIN_SECONDS[Math.min(failures++, AGAIN_SECONDS.length - 1)] ?? 30) * 1000);
    };
  }

  function now(): void {
    if (source?.readyState !== EventSource.CLOSED) return;
    window.clearTimeout(timer);
    open();
  }

  open();
  window.addEventListener("online", now);
  return () => {
    window.removeEventListener("online", now);
    window.clearTimeout(timer);
    source?.close();
  };
}
