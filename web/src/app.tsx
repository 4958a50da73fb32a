import { useEffect, useState } from "preact/hooks";
import pages from "../pages.json";
import { waiting } from "./field/kept";
import { Lazy } from "./lazy";
import { WORKING } from "./office/working";
import { Inbox } from "./pages/inbox";
import { Orders } from "./pages/orders";
import { OfficeSignIn } from "./pages/office-sign-in";
import { Seats } from "./pages/seats";
import { Settings } from "./pages/settings";
import { SignIn } from "./pages/sign-in";
import { Verify } from "./pages/verify";
import { endWhatIsToBeEnded, forget, isSignedIn, mayPost, signOut, who } from "./session";
import { Alert, Heading, Link, Sharing, type Shared } from "./ui";
import { words, type Language } from "./words";

const LANGUAGE = "serumpun.language";
const OPEN_TO_ALL = ["/masuk", "/masuk-kantor", "/periksa", "/lapor"];
const OF_OFFICE = ["/ringkasan", "/kartu", "/pembagian", "/lapangan", ...WORKING.map((one) => one.to)];
const overview = () => import("./pages/overview").then((page) => page.default);
const stockCard = () => import("./pages/stock-card").then((page) => page.default);
const distributions = () => import("./pages/distributions").then((page) => page.default);
const certificates = () => import("./pages/certificates").then((page) => page.default);
const surveys = () => import("./pages/surveys").then((page) => page.default);
const report = () => import("./pages/report").then((page) => page.default);
const field = () => import("./pages/field").then((page) => page.default);

export function App() {
  const [language, setLanguage] = useState<Language>(() => (localStorage.getItem(LANGUAGE) === "en" ? "en" : "id"));
  const [path, setPath] = useState(location.pathname);
  const [notice, setNotice] = useState<"sessionOver" | "signedOut" | "signedOutLater">();
  const [unsent, setUnsent] = useState(0);
  const [, setSteps] = useState(0); // who is signed in is looked up at each step, also where the address stays
  const say = words[language];

  function go(to: string): void {
    setNotice(undefined);
    if (to !== location.pathname + location.search) history.pushState(null, "", to);
    setPath(location.pathname);
    setSteps((steps) => steps + 1);
    scrollTo(0, 0);
  }

  const shared: Shared = {
    language,
    go,
    leave: (because) => {
      void forget().then(() => {
        go("/masuk");
        setNotice(because === "over" ? "sessionOver" : because === "out" ? "signedOut" : "signedOutLater");
      });
    },
  };

  function choose(next: Language): void {
    localStorage.setItem(LANGUAGE, next);
    setLanguage(next);
  }

  async function out(sure = false): Promise<void> {
    const count = sure ? 0 : await waiting(who());
    setUnsent(count);
    if (count > 0) return;
    const known = await signOut();
    go("/masuk");
    setNotice(known ? "signedOut" : "signedOutLater");
  }

  useEffect(() => {
    const back = () => {
      setPath(location.pathname);
      setSteps((steps) => steps + 1); // also where the question alone has changed
    };
    const online = () => void endWhatIsToBeEnded();
    online();
    addEventListener("popstate", back);
    addEventListener("storage", back); // somebody has signed in or out in another tab
    addEventListener("online", online);
    return () => {
      removeEventListener("popstate", back);
      removeEventListener("storage", back);
      removeEventListener("online", online);
    };
  }, []);

  const known = pages.includes(path);
  const signIn = OF_OFFICE.includes(path) ? "/masuk-kantor" : "/masuk";
  const me = who();
  const mayBeHere = isSignedIn() && (me !== undefined || !OF_OFFICE.includes(path));
  const shown = known && !OPEN_TO_ALL.includes(path) && !mayBeHere ? signIn : path;
  const places = me ? [...(me.role === "turnover_reader" ? [] : ["/ringkasan"]), ...(mayPost(me) ? ["/lapangan"] : []), "/"] : ["/", "/pelatihan", "/pesanan", "/survei", "/sertifikat", "/pengaturan"];
  const titles: Record<string, string> = {
    "/": say.inbox,
    "/masuk": say.signIn,
    "/pelatihan": say.seats,
    "/pesanan": say.orders,
    "/survei": say.surveys,
    "/sertifikat": say.certificates,
    "/pengaturan": say.settings,
    "/lapor": say.report,
    "/periksa": say.verify,
    "/masuk-kantor": say.officeSignIn,
    "/ringkasan": say.overview,
    "/kartu": say.stockCard,
    "/pembagian": say.distributions,
    "/lapangan": say.field,
    ...say.working,
  };

  useEffect(() => {
    document.documentElement.lang = language;
    document.title = `${titles[shown] ?? say.notFound} – Serumpun`;
  }, [language, shown]);

  return (
    <Sharing.Provider value={shared}>
      <a class="skip" href="#content">{say.skip}</a>
      <header>
        <Link to="/" kind="name">Serumpun</Link>
        <button type="button" class="quiet" lang={language === "id" ? "en" : "id"} onClick={() => choose(language === "id" ? "en" : "id")}>
          {say.other}
        </button>
        {isSignedIn() && <button type="button" class="quiet" onClick={() => void out()}>{say.signOut}</button>}
      </header>
      {isSignedIn() && (
        <nav aria-label="Serumpun">
          {places.map((to) => (
            <Link key={to} to={to} current={to === shown}>{titles[to]}</Link>
          ))}
        </nav>
      )}
      <main id="content" tabIndex={-1}>
        <div role="status">{notice && <p class="notice">{say[notice]}</p>}</div>
        {unsent > 0 && (
          <Alert>
            <p>{say.signOutAsk(unsent)}</p>
            <button type="button" class="grave" onClick={() => { setUnsent(0); void out(true); }}>{say.signOutYes}</button>
            <button type="button" class="second" onClick={() => setUnsent(0)}>{say.signOutNo}</button>
          </Alert>
        )}
        {shown === "/" && <Inbox key="inbox" />}
        {shown === "/masuk" && <SignIn key="sign-in" to={path === "/masuk" ? "/" : path} />}
        {shown === "/pelatihan" && <Seats key="seats" />}
        {shown === "/pesanan" && <Orders key="orders" />}
        {shown === "/survei" && <Lazy key="surveys" load={surveys} />}
        {shown === "/sertifikat" && <Lazy key="certificates" load={certificates} />}
        {shown === "/lapor" && <Lazy key="report" load={report} />}
        {shown === "/pengaturan" && <Settings key="settings" />}
        {shown === "/masuk-kantor" && <OfficeSignIn key="office-sign-in" to={path === "/masuk-kantor" ? "" : path + location.search} />}
        {shown === "/ringkasan" && <Lazy key="overview" load={overview} />}
        {shown === "/kartu" && <Lazy key={`card${location.search}`} load={stockCard} />}
        {shown === "/pembagian" && <Lazy key={`rows${location.search}`} load={distributions} />}
        {WORKING.filter((one) => one.to === shown).map((one) => <Lazy key={shown + location.search} load={one.load} />)}
        {shown === "/lapangan" && <Lazy key={`field ${me?.subject}`} load={field} />}
        {shown === "/periksa" && <Verify key="verify" />}
        {!known && (
          <>
            <Heading>{say.notFound}</Heading>
            <p>{say.notFoundHelp}</p>
          </>
        )}
      </main>
      <footer>
        <Link to="/periksa" current={shown === "/periksa"}>{say.verify}</Link>
        <Link to="/lapor" current={shown === "/lapor"}>{say.report}</Link>
      </footer>
    </Sharing.Provider>
  );
}
