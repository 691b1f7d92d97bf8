// Makes a page live: when the server says that something changed, the page takes the server's own rendering of itself, so
// that one template serves both. Without JavaScript the page is the same, and reloading shows what is new.
//
// <p id="link" data-live data-stale> tells whether it is so; data-stream names the stream, data-event its event, data-parts the
// ids whose content is replaced, data-quiet those that stay while a clip is listened to; data-page where the page stands if that
// is not its address: after a form was refused, its address only takes forms.
const link = document.getElementById("link");

function tell(state) {
  link.hidden = false;
  link.className = `pill ${state}`;
  link.textContent = link.dataset[state];
}

function replace(page, id) {
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (!fresh || !old || fresh.isEqualNode(old)) return;
  const open = [...old.querySelectorAll("details[open][id]")].map((each) => each.id);
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  old.replaceChildren(...fresh.childNodes);
  for (const name of open) document.getElementById(name)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

let busy = false;
let again = false;
let has = ""; // the tag of what is shown, where the server says one

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(link.dataset.page ?? location.href, { headers: { "HX-Request": "true", "If-None-Match": has } });
    const away = answer.headers.get("HX-Redirect"); // to the log-in
    if (away) { location.assign(away); return; }
    if (answer.status === 304) { if (source.readyState === EventSource.OPEN) tell("live"); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    has = answer.headers.get("ETag") ?? "";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const audio = document.querySelector("main audio");
    const listening = audio && !audio.paused;
    const parts = listening && link.dataset.quiet ? link.dataset.quiet : link.dataset.parts;
    for (const id of parts.split(" ")) replace(page, id);
    if (source.readyState === EventSource.OPEN) tell("live");
  } catch {
    tell("stale");
    // Where the stream is broken too, it says at once what there is to show when it is back.
    if (source.readyState === EventSource.OPEN) setTimeout(refresh, 2000);
  } finally {
    busy = false;
    if (again) { again = false; refresh(); }
  }
}

const source = new EventSource(link.dataset.stream);
source.addEventListener("open", () => tell("live"));
source.addEventListener("error", () => {
  tell("stale");
  if (source.readyState === EventSource.CLOSED) refresh(); // refused, as when the log-in has ended: the page says where to
});
source.addEventListener(link.dataset.event, refresh);
// A machine that slept may find its line dead without being told: what is on the screen is looked up anew at once.
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
window.addEventListener("online", refresh);
