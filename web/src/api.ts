/** Questions and orders to the services, typed by their documents; what goes wrong is one `Trouble` with a code. */
import type { components as Aid, paths as AidPaths } from "./generated/aid_distribution";
import type { components as Notifications, paths as NotificationPaths } from "./generated/notifications";
import type { components as Registration, paths as RegistrationPaths } from "./generated/registration";

/** Everything that the services tell and take, by its name in their documents. */
export type Registered = Registration["schemas"];
export type Aided = Aid["schemas"];
export type Notified = Notifications["schemas"];
export type InboxItem = Notifications["schemas"]["InboxItem"];
export type Unread = Notifications["schemas"]["Unread"];
export type Preferences = Notifications["schemas"]["PreferencesView"];
export type OpenTraining = Registration["schemas"]["OpenTrainingView"];
export type Enrolment = Registration["schemas"]["EnrolmentView"];
export type OwnCertificate = Registration["schemas"]["OwnCertificateView"];
export type OwnSurvey = Registration["schemas"]["OwnSurveyView"];
export type Region = Aid["schemas"]["RegionView"];
export type Place = Aid["schemas"]["PlaceView"];
export type Item = Aid["schemas"]["ItemView"];
export type Balance = Aid["schemas"]["BalanceView"];
export type Cover = Aid["schemas"]["CoverView"];
export type Board = Aid["schemas"]["EquityBoard"];
export type StockAlert = Aid["schemas"]["AlertView"];
export type Exception = Aid["schemas"]["ExceptionView"];
export type CardEntry = Aid["schemas"]["CardEntryView"];
export type Explanation = Aid["schemas"]["Explanation"];
export type Distribution = Aid["schemas"]["DistributionView"];
export type PostDistribution = Aid["schemas"]["PostDistribution"];
export type ReceiveStock = Aid["schemas"]["ReceiveStock"];
export type CountStock = Aid["schemas"]["CountStock"];
export type ReceiveTransfer = Aid["schemas"]["ReceiveTransfer"];
export type VisitStation = Aid["schemas"]["VisitStation"];
export type RecordSales = Aid["schemas"]["RecordSales"];
export type RecordScans = Registration["schemas"]["RecordScans"];
export type ProductionOrder = Aid["schemas"]["ProductionOrderView"];
export type Problem = Aid["schemas"]["Problem"];
/** What the live inbox tells; the document of the feed says that it is a stream, and no more. */
export type InboxNews = { items: InboxItem[]; unread: Unread; reset: boolean };

type Paths = AidPaths & NotificationPaths & RegistrationPaths;
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Answered<T> = T extends { responses: infer R } ? { [S in keyof R]: S extends 200 | 201 | 202 ? Json<R[S]> : never }[keyof R] : never;
type Asked<T> = T extends { requestBody: { content: { "application/json": infer Body } } } ? Body : undefined;
type With<M extends "get" | "post" | "patch"> = { [P in keyof Paths]: Paths[P] extends Record<M, { responses: unknown }> ? P : never }[keyof Paths];

const SECONDS_MAX = 20;
const FILE_SECONDS_MAX = 300;

export class Trouble extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly title: string,
    readonly retryAfterSeconds: number,
    readonly members: Record<string, unknown>,
  ) {
    super(`${status} ${code}: ${title}`);
  }
}

type Options = { path?: Record<string, string>; query?: Record<string, string>; version?: number; key?: string; token?: string };

export function get<P extends With<"get">>(path: P, options: Options = {}): Promise<Answered<Paths[P]["get"]>> {
  return send("GET", path, undefined, options) as Promise<Answered<Paths[P]["get"]>>;
}

/** An order; with the same `key` it may be sent again and is carried out once. */
export function post<P extends With<"post">>(path: P, body: Asked<Paths[P]["post"]>, options: Options = {}): Promise<Answered<Paths[P]["post"]>> {
  return send("POST", path, body, { key: newKey(), ...options }) as Promise<Answered<Paths[P]["post"]>>;
}

const MEDIA = { csv: "text/csv", xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };

/** Send a file as the body, of the kind that its name says: what a browser takes it for differs from one machine to the next. */
export function postFile<P extends With<"post">>(path: P, file: File, options: Options = {}): Promise<Answered<Paths[P]["post"]>> {
  const media = file.name.toLowerCase().endsWith(".csv") ? MEDIA.csv : MEDIA.xlsx;
  return send("POST", path, new Blob([file], { type: media }), { key: newKey(), ...options }) as Promise<Answered<Paths[P]["post"]>>;
}

/** All items of a list, page by page; the lists asked for so are short (places, items), and no more than `most` are taken. */
export async function all<T>(ask: (cursor?: string) => Promise<{ items: T[]; next?: string | null }>, most = 2_000): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    found.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor && found.length < most);
  return found;
}

export function patch<P extends With<"patch">>(path: P, body: Asked<Paths[P]["patch"]>, options: Options & { version: number }): Promise<Answered<Paths[P]["patch"]>> {
  return send("PATCH", path, body, options) as Promise<Answered<Paths[P]["patch"]>>;
}

/** Random like a UUID; `crypto.randomUUID` is there on secure addresses only. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(method: string, path: string, body: unknown, options: Options): Promise<unknown> {
  const address = path.replace(/{(\w+)}/g, (_, name: string) => encodeURIComponent(options.path?.[name] ?? ""));
  const query = options.query ? `?${new URLSearchParams(options.query)}` : "";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["Serumpun-Page"] = "1";
  const file = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = file ? body.type : "application/json";
  if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
  if (options.token) headers["Authorization"] = `Bearer ${options.token}`;
  if (options.key) headers["Idempotency-Key"] = options.key;
  let answer: Response;
  try {
    const signal = AbortSignal.timeout((file ? FILE_SECONDS_MAX : SECONDS_MAX) * 1000);
    answer = await fetch(address + query, { method, headers, signal, body: body === undefined ? null : file ? body : JSON.stringify(body) });
  } catch (fault) {
    const code = fault instanceof DOMException && fault.name === "TimeoutError" ? "slow" : "offline";
    throw new Trouble(code, 0, code, 0, {});
  }
  const told: unknown = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const problem = told as Record<string, unknown>;
  const seconds = Number(answer.headers.get("Retry-After")) || 0;
  throw new Trouble(String(problem["code"] ?? "other"), answer.status, String(problem["title"] ?? answer.status), seconds, problem);
}
