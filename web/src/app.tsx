import { useEffect, useState } from "preact/hooks";
import pages from "../pages.json";
import { Inbox } from "./pages/inbox";
import { Seats } from "./pages/seats";
import { Settings } from "./pages/settings";
import { SignIn } from "./pages/sign-in";
import { Verify } from "./pages/verify";
import { endWhatIsToBeEnded, forget, isSignedIn, signOut } from "./session";
import { Heading, Link, Sharing, type Shared } from "./ui";
import { words, type Language } from "./words";

const LANGUAGE = "serumpun.language";
const OPEN_TO_ALL = ["/masuk", "/periksa"];

export function App() {
  const [language, setLanguage] = useState<Language>(() => (localStorage.getItem(LANGUAGE) === "en" ? "en" : "id"));
  const [path, setPath] = useState(location.pathname);
  const [notice, setNotice] = useState("");
  const [, setSteps] = useState(0); // who is signed in is looked up at each step, also where the address stays
  const say = words[language];

  function go(to: string): void {
    setNotice("");
    if (to !== location.pathname) history.pushState(null, "", to);
    setPath(to);
    setSteps((steps) => steps + 1);
    scrollTo(0, 0);
  }

  const shared: Shared = {
    language,
    go,
    leave: (because) => {
      void forget().then(() => {
        go("/masuk");
        setNotice(because === "over" ? say.sessionOver : because === "out" ? say.signedOut : say.signedOutLater);
      });
    },
  };

  function choose(next: Language): void {
    localStorage.setItem(LANGUAGE, next);
    setLanguage(next);
  }

  async function out(): Promise<void> {
    const known = await signOut();
    go("/masuk");
    setNotice(known ? say.signedOut : say.signedOutLater);
  }

  useEffect(() => {
    const back = () => setPath(location.pathname);
    const online = () => void endWhatIsToBeEnded();
    online();
    addEventListener("popstate", back);
    addEventListener("online", online);
    return () => {
      removeEventListener("popstate", back);
      removeEventListener("online", online);
    };
  }, []);

  const known = pages.includes(path);
  const shown = known && !OPEN_TO_ALL.includes(path) && !isSignedIn() ? "/masuk" : path;
  const titles: Record<string, string> = {
    "/": say.inbox,
    "/masuk": say.signIn,
    "/pelatihan": say.seats,
    "/pengaturan": say.settings,
    "/periksa": say.verify,
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
          {["/", "/pelatihan", "/pengaturan"].map((to) => (
            <Link key={to} to={to} current={to === shown}>{titles[to]}</Link>
          ))}
        </nav>
      )}
      <main id="content" tabIndex={-1}>
        <div role="status">{notice && <p class="notice">{notice}</p>}</div>
        {shown === "/" && <Inbox key="inbox" />}
        {shown === "/masuk" && <SignIn key="sign-in" to={path === "/masuk" ? "/" : path} />}
        {shown === "/pelatihan" && <Seats key="seats" />}
        {shown === "/pengaturan" && <Settings key="settings" />}
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
      </footer>
    </Sharing.Provider>
  );
}
