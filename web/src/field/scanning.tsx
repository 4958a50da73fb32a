/** A code that is scanned: with the camera where the browser reads codes, and otherwise typed, pasted or by a scanner that types. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useWords } from "../ui";
import { formWords } from "./forms/words";

/** The id of the field for codes. */
export const CODE = "field-code";
const LOOK_MILLISECONDS = 200;
const SAME_MILLISECONDS = 3_000;

type Reader = { detect(picture: HTMLVideoElement): Promise<{ rawValue: string }[]> };
type Readers = { BarcodeDetector?: new (wanted: { formats: string[] }) => Reader };

/** `told` says what became of the last code; a scanner that types ends with Enter. */
export function ScanField({ label, taken, told, wrong }: { label: string; taken: (code: string) => void; told: string; wrong: boolean }) {
  const { language } = useWords();
  const say = formWords[language];
  const [text, setText] = useState("");
  const [looking, setLooking] = useState(false);
  const canLook = (globalThis as Readers).BarcodeDetector !== undefined && navigator.mediaDevices !== undefined;

  function take(): void {
    if (text.trim()) taken(text.trim());
    setText("");
  }

  return (
    <>
      <label for={CODE}>{label}</label>
      <input id={CODE} autocomplete="off" autocapitalize="off" spellcheck={false} aria-describedby={`${CODE}-help`} value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); take(); } }} />
      <p class="hint" id={`${CODE}-help`}>{say.scanHelp}</p>
      <div class="tools">
        <button type="button" onClick={take}>{say.checkCode}</button>
        {canLook && <button type="button" class="second" aria-pressed={looking} onClick={() => setLooking(!looking)}>{looking ? say.cameraOff : say.camera}</button>}
      </div>
      {looking && <Camera seen={taken} />}
      <p class={told && (wrong ? "wrong" : "notice")} role={wrong ? "alert" : "status"}>{told}</p>
    </>
  );
}

/** The picture of the camera; a code that stays before it is told once. */
function Camera({ seen }: { seen: (code: string) => void }) {
  const { language } = useWords();
  const say = formWords[language];
  const video = useRef<HTMLVideoElement>(null);
  const heard = useRef(seen);
  heard.current = seen;
  const [refused, setRefused] = useState(false);

  useEffect(() => {
    const last = { code: "", at: 0 };
    let [stream, timer]: [MediaStream | undefined, number] = [undefined, 0];
    let gone = false;
    const Detector = (globalThis as Readers).BarcodeDetector;
    const reader = Detector && new Detector({ formats: ["qr_code"] });

    async function look(): Promise<void> {
      const found = video.current && reader ? await reader.detect(video.current).catch(() => []) : [];
      const code = found[0]?.rawValue ?? "";
      if (gone) return;
      if (code && (code !== last.code || Date.now() - last.at > SAME_MILLISECONDS)) heard.current(code);
      if (code) [last.code, last.at] = [code, Date.now()];
      timer = window.setTimeout(() => void look(), LOOK_MILLISECONDS);
    }

    async function begin(): Promise<void> {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (gone || !video.current) return stop();
      video.current.srcObject = stream;
      await video.current.play();
      await look();
    }

    function stop(): void {
      gone = true;
      window.clearTimeout(timer);
      stream?.getTracks().forEach((one) => one.stop());
    }

    begin().catch(() => setRefused(true));
    return stop;
  }, []);

  if (refused) return <p class="wrong" role="alert">{say.noCamera}</p>;
  return <video ref={video} muted playsInline aria-label={say.cameraPicture} />;
}
