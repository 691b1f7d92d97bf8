// The compose page: what is typed is kept, boxes have three states, files are dropped, proposals are put in.
// Without this file the page works by its buttons.
const form = document.getElementById("compose");
const words = document.getElementById("words");
const kept = document.getElementById("kept");
const lost = document.getElementById("lost");
document.documentElement.classList.add("scripted");

// ---- keeping what is typed: after two quiet seconds, and after four of typing at the latest
let timer = 0;
let since = 0;
let sending = false;
let leaving = false;

function fields() {
  return new URLSearchParams(new FormData(form));
}

function changed() {
  const now = Date.now();
  since ||= now;
  clearTimeout(timer);
  timer = setTimeout(keep, Math.max(0, Math.min(2000, since + 4000 - now)));
}

async function keep() {
  clearTimeout(timer);
  if (!since || leaving) return;
  if (sending) { timer = setTimeout(keep, 300); return; }
  since = 0;
  sending = true;
  try {
    const answer = await fetch("/compose/unfinished", { method: "POST", body: fields() });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    kept.textContent = `${form.dataset.saved} ${new Date().toLocaleTimeString("vi-VN")}`;
    lost.hidden = true;
  } catch {
    kept.textContent = form.dataset.unsaved;
    lost.hidden = false;
    since = Date.now();
    timer = setTimeout(keep, 3000);
  } finally {
    sending = false;
  }
}

// ---- a reading of one's own counts once its button is pressed; its field outlives that the readings are shown anew
let own = [];
for (const kind of ["input", "change"]) {
  form.addEventListener(kind, (event) => { if (event.target.name?.startsWith("own_")) event.stopPropagation(); }, true);
}
form.addEventListener("input", changed);
form.addEventListener("change", changed);
addEventListener("pagehide", () => { if (since && !leaving) navigator.sendBeacon("/compose/unfinished", fields()); });
form.addEventListener("submit", async (event) => {
  if (leaving) { event.preventDefault(); return; }
  if (!lost.hidden || !navigator.onLine) { // the browser would leave the page for an error, or for the log-in
    event.preventDefault();
    since ||= Date.now();
    await keep();
    if (lost.hidden) form.requestSubmit(event.submitter);
    return;
  }
  leaving = true;
  clearTimeout(timer);
});
addEventListener("pageshow", () => { leaving = false; });

// ---- boxes with three states
const tree = document.getElementById("tree");

function under(box) {
  return [...box.closest("li").querySelectorAll(":scope ul input[type=checkbox]")];
}

function settle() {
  const areas = [...tree.querySelectorAll("input[name=area]")].reverse(); // the deepest first
  for (const box of areas) {
    const below = under(box);
    if (!below.length) continue;
    const own = below.filter((one) => one.closest("ul").closest("li") === box.closest("li"));
    box.checked = own.every((one) => one.checked);
    box.indeterminate = !box.checked && own.some((one) => one.checked || one.indeterminate);
  }
}

tree.addEventListener("change", (event) => {
  const box = event.target;
  if (box.type !== "checkbox") return;
  if (box.name === "area") for (const one of under(box)) { one.checked = box.checked; one.indeterminate = false; }
  settle();
});
settle();

// ---- a repeat shows what belongs to it
function repeats() {
  const repeat = document.getElementById("repeat");
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(repeat.value);
}
form.addEventListener("change", (event) => { if (event.target.id === "repeat") repeats(); });
repeats();

// ---- files, chosen or dropped
async function takeIn(file) {
  if (words.value.trim() && !confirm(form.dataset.replace)) return;
  const body = new FormData();
  body.append("file", file);
  kept.textContent = form.dataset.readingFile;
  try {
    const answer = await fetch("/compose/intake", { method: "POST", body, headers: { Accept: "application/json" } });
    const found = await answer.json();
    kept.textContent = found.problem ?? found.detail ?? "";
    if (found.words) put(found.words);
  } catch {
    kept.textContent = form.dataset.fileUnsent;
  }
}

function put(text) {
  words.value = text;
  words.dispatchEvent(new Event("input", { bubbles: true }));
}

const chooser = document.querySelector("input[type=file]");
chooser.addEventListener("change", () => { if (chooser.files.length) takeIn(chooser.files[0]); chooser.value = ""; });
// Anywhere on the form: beside the field the browser would leave the page and open the file.
form.addEventListener("dragover", (event) => { event.preventDefault(); words.classList.add("dropping"); });
form.addEventListener("dragleave", () => words.classList.remove("dropping"));
form.addEventListener("drop", (event) => {
  words.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  takeIn(file);
});

// ---- proposals: their places count code points of the composed form
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-apply]");
  if (!button) return;
  event.preventDefault();
  const letters = [...words.value.normalize("NFC")];
  const start = Number(button.dataset.apply);
  const length = [...button.dataset.text].length;
  if (letters.slice(start, start + length).join("") !== button.dataset.text) return;
  letters.splice(start, length, ...button.dataset.proposal);
  put(letters.join(""));
});

// ---- a line that is lost, or a log-in that has ended: what is typed stays, and is shown and kept once the station answers again
let again = 0;

function missed() {
  lost.hidden = false;
  clearTimeout(again);
  again = setTimeout(() => document.body.dispatchEvent(new Event("anew")), 3000);
}

document.addEventListener("htmx:sendError", missed);
document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 500) missed(); });
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Redirect") === null) { if (event.detail.xhr.status < 500) lost.hidden = true; return; }
  event.preventDefault();
  missed();
});

// ---- what the server sends
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "seen") return;
  own = [...event.target.querySelectorAll("details[open] [data-of]")].map((each) => [each.dataset.of, each.value, each === document.activeElement]);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "seen") return;
  for (const [term, value, focused] of own) {
    const field = event.target.querySelector(`[data-of="${CSS.escape(term)}"]`);
    if (!field) continue;
    field.closest("details").open = true;
    field.value = value;
    if (focused) field.focus();
  }
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "times") repeats();
  if (event.target.closest?.("#tree")) {
    const box = event.target.closest("li").querySelector("input[name=area]");
    if (box?.checked) for (const one of under(box)) one.checked = true;
    settle();
  }
  // Once the clip is there, the text is shown again in the sentences in which it is heard.
  if (event.target.id === "listen" && event.target.querySelector("audio")) document.body.dispatchEvent(new Event("anew"));
});
