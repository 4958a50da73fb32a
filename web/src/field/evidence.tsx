import { useEffect, useRef, useState } from "preact/hooks";
import { written } from "../numbers";
import { Tick, useFilling } from "./fields";
import { formWords } from "./forms/words";
import { keepPhoto, photoOf } from "./kept";
import { show, small } from "./photos";

const MICRODEGREES = 1_000_000;
const METRES_MAX = 1_000_000;
const SECONDS_MAX = 30;
const KILOBYTE = 1_000;

/** A photo and a position beside a hand-out; either only where somebody wants it. */
export function Evidence() {
  const { language } = useFilling();
  const say = formWords[language];
  return (
    <fieldset>
      <legend>{say.evidence}</legend>
      <Photo />
      <Where />
    </fieldset>
  );
}

function Photo() {
  const { form, language, showPhoto, hold } = useFilling();
  const say = formWords[language];
  const canvas = useRef<HTMLCanvasElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [bytes, setBytes] = useState(0);
  const [wrong, setWrong] = useState(false);

  useEffect(() => {
    if (!form.photo) return;
    void photoOf(form.id).then((photo) => {
      setBytes(photo?.size ?? 0);
      if (photo && canvas.current) return show(photo, canvas.current);
      return undefined;
    });
  }, [form.photo]);

  async function take(file: File | undefined): Promise<void> {
    setWrong(false);
    if (!file) return;
    hold("photo", true);
    try {
      const { photo, digest } = await small(file);
      await keepPhoto(form.id, photo, digest);
      showPhoto(digest);
    } catch {
      setWrong(true); // no picture, or no room for one
    } finally {
      hold("photo", false);
    }
  }

  async function remove(): Promise<void> {
    await keepPhoto(form.id, undefined, "");
    showPhoto("");
    if (!input.current) return;
    input.current.value = ""; // else the same file could not be chosen again
    input.current.focus();
  }

  return (
    <>
      <label for="field-photo">{say.photo}</label>
      <input id="field-photo" ref={input} type="file" accept="image/*" capture="environment" aria-describedby="field-photo-help" onChange={(event) => void take(event.currentTarget.files?.[0])} />
      <p class="hint" id="field-photo-help">{say.photoHelp}</p>
      {wrong && <p class="wrong" role="alert">{say.noPhoto}</p>}
      {form.photo && (
        <>
          <canvas ref={canvas} role="img" aria-label={say.photoOf} />
          <p class="hint" role="status">{say.photoSize(written(Math.ceil(bytes / KILOBYTE), language))}</p>
          <button type="button" class="second" onClick={() => void remove()}>{say.removePhoto}</button>
        </>
      )}
    </>
  );
}

/** The answer may come late: it counts only while its tick is set and the form is open, which is not finished before. */
function Where() {
  const { form, language, change, hold } = useFilling();
  const say = formWords[language];
  const [state, setState] = useState<"" | "waiting" | "failed">("");
  const asked = useRef(0);
  useEffect(() => hold("position", state === "waiting"), [state]);
  useEffect(() => () => void (asked.current += 1), []);

  function ask(wanted: boolean): void {
    const turn = ++asked.current;
    change({ position: null });
    setState(wanted ? "waiting" : "");
    if (!wanted) return;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        if (turn !== asked.current) return;
        setState("");
        const position = {
          latitude_microdegrees: Math.round(coords.latitude * MICRODEGREES),
          longitude_microdegrees: Math.round(coords.longitude * MICRODEGREES),
          accuracy_metres: Math.min(Math.ceil(coords.accuracy), METRES_MAX),
        };
        change({ position });
      },
      () => turn === asked.current && setState("failed"),
      { enableHighAccuracy: true, timeout: SECONDS_MAX * 1000 },
    );
  }

  return (
    <>
      <Tick label={say.position} value={form.position !== null || state === "waiting"} ticked={ask} />
      <p class={state === "failed" ? "wrong" : "hint"} role="status">
        {state === "waiting" && say.positionWait}
        {state === "failed" && say.noPosition}
        {form.position && say.positionIs(written(form.position.accuracy_metres, language))}
      </p>
    </>
  );
}
