import { useContext, useEffect, useState } from "preact/hooks";
import { get, patch, Trouble, type Preferences } from "../api";
import { moment } from "../time";
import { Failed, Heading, isOver, Sharing, told, useAsked, useWords, Waiting } from "../ui";

const CLASSES = ["required", "invitation", "information"] as const;
const CHANNELS = ["whatsapp", "sms", "email"] as const;

export function Settings() {
  const say = useWords();
  const { leave } = useContext(Sharing);
  const { found, fault, again, set } = useAsked(() => get("/notifications/preferences"));
  const [chosen, setChosen] = useState<Preferences>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [refused, setRefused] = useState<unknown>();
  useEffect(() => setChosen(found), [found]);

  async function change(changes: Partial<Pick<Preferences, "required" | "invitation" | "information" | "digest" | "language" | "stopped">>): Promise<void> {
    if (!found) return;
    setBusy(true);
    setDone(false);
    setRefused(undefined);
    try {
      set(await patch("/notifications/preferences", changes, { version: found.version }));
      setDone(true);
    } catch (reason) {
      if (isOver(reason)) leave("over");
      else setRefused(reason);
      if (reason instanceof Trouble && reason.code === "stale") again();
    } finally {
      setBusy(false);
    }
  }

  function save(event: Event): void {
    event.preventDefault();
    if (!chosen) return;
    const { required, invitation, information, digest, language } = chosen;
    void change({ required, invitation, information, digest, ...(language ? { language } : {}) });
  }

  const help = { required: say.requiredHelp, invitation: say.invitationHelp, information: say.informationHelp };
  return (
    <>
      <Heading>{say.settings}</Heading>
      <p>{say.settingsLead}</p>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!chosen && fault === undefined && <Waiting what={say.loadSettings} />}
      {chosen && (
        <>
          <form onSubmit={save}>
            {CLASSES.map((name) => (
              <fieldset key={name}>
                <legend>{say[name]}</legend>
                <p class="hint">{help[name]}</p>
                {CHANNELS.map((channel) => (
                  <label class="tick" key={channel}>
                    <input
                      type="checkbox"
                      checked={chosen[name].includes(channel)}
                      onChange={(event) => {
                        const kept = chosen[name].filter((one) => one !== channel);
                        setChosen({ ...chosen, [name]: event.currentTarget.checked ? [...kept, channel] : kept });
                      }}
                    />
                    {say.channels[channel]}
                  </label>
                ))}
              </fieldset>
            ))}
            <label class="tick">
              <input type="checkbox" checked={chosen.digest} onChange={(event) => setChosen({ ...chosen, digest: event.currentTarget.checked })} />
              {say.digest}
            </label>
            <label for="language">{say.messageLanguage}</label>
            <select id="language" value={chosen.language ?? ""} onChange={(event) => setChosen({ ...chosen, language: (event.currentTarget.value || null) as Preferences["language"] })}>
              {!found?.language && <option value="">{say.languageOfOffice}</option>}
              <option value="id">Bahasa Indonesia</option>
              <option value="en">English</option>
            </select>
            <div role="status">{done && <p class="notice">{say.saved}</p>}</div>
            {refused !== undefined && <p class="wrong" role="alert">{told(refused, say)}</p>}
            <button type="submit" disabled={busy}>{say.save}</button>
            {busy && <Waiting what={say.sending} />}
          </form>
          <section aria-labelledby="stop">
            <h2 id="stop">{say.stopTitle}</h2>
            {chosen.stopped ? (
              <>
                <p>{say.stopped(chosen.stopped_at ? moment(chosen.stopped_at, say.language) : "")}</p>
                <button type="button" disabled={busy} onClick={() => void change({ stopped: false })}>{say.start}</button>
              </>
            ) : (
              <>
                <p>{say.stopLead}</p>
                <button type="button" class="grave" disabled={busy} onClick={() => void change({ stopped: true })}>{say.stop}</button>
              </>
            )}
          </section>
        </>
      )}
    </>
  );
}
