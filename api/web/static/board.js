// Makes the board live: when something changed it takes the server's own rendering of the page, so that one template
// serves both. Without JavaScript the page is the same, and reloading shows what is new.
const link = document.getElementById("link");

function tell(state) {
  link.hidden = false;
  link.className = `pill ${state}`;
  link.textContent = link.dataset[state];
}

function replace(page, id) {
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (fresh && old) old.replaceChildren(...fresh.childNodes);
}

let busy = false;
let again = false;

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) { location.assign(answer.url); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const audio = document.querySelector("#board audio");
    // A clip that somebody listens to goes on: then only the figures are replaced.
    const parts = audio && !audio.paused ? ["sent", "confirmed", "receivers"] : ["board"];
    for (const id of [...parts, "log-rows"]) replace(page, id);
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

const source = new EventSource("/api/v1/now/events");
source.addEventListener("open", () => tell("live"));
source.addEventListener("error", () => tell("stale"));
source.addEventListener("airing", refresh);
