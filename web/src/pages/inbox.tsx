import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { get, post, type InboxItem, type InboxNews, type Unread } from "../api";
import { useLeaving } from "../focus";
import { follow } from "../live";
import { who } from "../session";
import { moment } from "../time";
import { Empty, Failed, Heading, isOver, Link, Sharing, told, useWords, Waiting } from "../ui";

const SHOWN_MAX = 20;

export function Inbox() {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const [items, setItems] = useState<InboxItem[]>();
  const [unread, setUnread] = useState<Unread>();
  const [next, setNext] = useState<string | null>(null);
  const [onlyUnread, setOnlyUnread] = useState(false);
  const [live, setLive] = useState(true);
  const [fault, setFault] = useState<unknown>();
  const [refused, setRefused] = useState<unknown>();

  function failed(reason: unknown): void {
    if (isOver(reason)) leave("over");
    else setFault(reason);
  }

  /** Ask for the newest, or for what comes after a cursor. */
  async function load(cursor?: string): Promise<void> {
    setFault(undefined);
    try {
      const query = { limit: String(SHOWN_MAX), ...(cursor ? { cursor } : {}), ...(onlyUnread ? { unread: "true" } : {}) };
      const page = await get("/notifications/inbox", { query });
      setItems((known) => (cursor ? merged(known ?? [], page.items) : page.items));
      setNext(page.next ?? null);
    } catch (reason) {
      failed(reason);
    }
  }

  useEffect(() => {
    void load();
    const stop = follow(
      "/notifications/inbox/live",
      ["inbox"],
      (data) => {
        const news = JSON.parse(data) as InboxNews;
        setUnread(news.unread);
        if (news.reset) void load();
        else setItems((known) => merged(known ?? [], news.items));
      },
      (standing) => {
        setLive(standing);
        if (!standing) get("/notifications/inbox/unread").then(setUnread, (reason: unknown) => isOver(reason) && leave("over"));
      },
    );
    return stop;
  }, [onlyUnread]);

  async function carryOut(what: () => Promise<void>): Promise<void> {
    setRefused(undefined);
    try {
      await what();
    } catch (reason) {
      if (isOver(reason)) leave("over");
      else setRefused(reason);
    }
  }

  const markRead = (item: InboxItem) =>
    carryOut(async () => {
      const read = await post("/notifications/inbox/{message_id}/read", undefined, { path: { message_id: item.id } });
      setItems((known) => merged(known ?? [], [read]));
      setUnread(await get("/notifications/inbox/unread"));
    });

  const markAll = (newest: InboxItem) =>
    carryOut(async () => {
      setUnread((await post("/notifications/inbox/read", { until: newest.created_at })).unread);
      await load();
    });

  const shown = onlyUnread ? items?.filter((item) => !item.read_at) : items;
  const newest = items?.[0];
  return (
    <>
      <Heading>{say.inbox}</Heading>
      <p class="standing" role="status">
        {unread && <strong>{say.unread(unread.total)}</strong>} <span class={live ? "live" : "lost"}>{live ? say.live : say.notLive}</span>
      </p>
      <div class="tools">
        <label class="tick">
          <input type="checkbox" checked={onlyUnread} onChange={(event) => setOnlyUnread(event.currentTarget.checked)} />
          {say.onlyUnread}
        </label>
        {newest && unread && unread.total > 0 && (
          <button type="button" class="second" onClick={() => void markAll(newest)}>{say.markAll}</button>
        )}
      </div>
      {refused !== undefined && <p class="wrong" role="alert">{told(refused, say)}</p>}
      {fault !== undefined && <Failed fault={fault} again={() => void load()} />}
      {!shown && fault === undefined && <Waiting what={say.loadInbox} />}
      {shown?.length === 0 && <Empty title={onlyUnread ? say.emptyUnread : say.emptyInbox} help={onlyUnread ? say.emptyUnreadHelp : say.emptyInboxHelp} />}
      <ul class="messages">
        {shown?.map((item) => <Message key={item.id} item={item} read={() => void markRead(item)} />)}
      </ul>
      {next && <button type="button" class="second" onClick={() => void load(next)}>{say.more}</button>}
    </>
  );
}

function Message({ item, read }: { item: InboxItem; read: () => void }) {
  const say = useWords();
  const kinds: Record<string, string> = { required: say.required, invitation: say.invitation, information: say.information };
  const places: Record<string, { to: string; words: string }> = {
    seat_offered: { to: "/pelatihan", words: say.toSeats },
    order_offered: { to: "/pesanan", words: say.toOrders },
    survey: { to: "/survei", words: say.toSurveys },
    certificate_issued: { to: "/sertifikat", words: say.toCertificates },
  };
  const place = places[item.purpose];
  const whole = useRef<HTMLLIElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const pressed = useRef(false);
  useLeaving(() => whole.current); // where only unread ones are shown
  useEffect(() => {
    if (item.read_at && pressed.current) title.current?.focus(); // the button that was pressed is gone
  }, [item.read_at]);
  return (
    <li ref={whole}>
      <article class={item.read_at ? "card" : "card unread"} aria-labelledby={`title-${item.id}`}>
        <p class="about">
          {!item.read_at && <span class="mark">{say.isUnread}</span>}
          <span>{kinds[item.urgency]}</span>
          <time dateTime={item.created_at}>{moment(item.created_at, say.language)}</time>
        </p>
        <div lang={item.language}>
          <h2 id={`title-${item.id}`} tabIndex={-1} ref={title}>{item.title}</h2>
          <p class="body">{item.body}</p>
        </div>
        {place && <Link to={place.to} kind="button">{place.words}</Link>}
        <details>
          <summary>{say.why}</summary>
          <p lang={item.language}>{item.why}</p>
          {!who() && <Link to="/pengaturan" kind="second">{say.toSettings}</Link>}
        </details>
        {!item.read_at && <button type="button" class="second" onClick={() => { pressed.current = true; read(); }}>{say.markRead}</button>}
      </article>
    </li>
  );
}

/** What is known together with what is new, each message once and the newest first. */
function merged(known: InboxItem[], news: InboxItem[]): InboxItem[] {
  const all = new Map([...known, ...news].map((item) => [item.id, item]));
  return [...all.values()].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.id.localeCompare(a.id));
}
