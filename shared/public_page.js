
// What pages from which something is sent have in common. What becomes of it is said in both languages.
const SECONDS_MAX = 20;
const said = document.getElementById("said");

const lines = (place, ours, english) => {
  place.textContent = "";
  for (const [words, language] of [[ours, "id"], [english, "en"]]) {
    const line = document.createElement("p");
    line.lang = language;
    line.textContent = words;
    place.append(line);
  }
};
const tell = (ours, english) => lines(said, ours, english);

// The status is 0 where no answer came.
const send = async (body, headers) => {
  const stop = new AbortController();
  let seconds = 0;
  tell("Mengirim\u2026", "Sending\u2026");
  const timer = setInterval(() => {
    seconds += 1;
    tell(`Mengirim\u2026 sudah ${seconds} detik`, `Sending\u2026 ${seconds} seconds so far`);
    if (seconds >= SECONDS_MAX) stop.abort();
  }, 1000);
  try {
    const answer = await fetch(location.pathname, {
      method: "POST", signal: stop.signal, body: JSON.stringify(body),
      headers: {"Content-Type": "application/json", "Accept": "application/json", ...headers}});
    const told = await answer.json().catch(() => ({}));
    return {status: answer.status, told, minutes: Math.ceil((Number(answer.headers.get("Retry-After")) || 60) / 60)};
  } catch {
    return {status: 0, told: {}, minutes: 0};
  } finally {
    clearInterval(timer);
  }
};
