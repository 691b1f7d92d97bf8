// Shows what the receiver says over /events; the clock while it says nothing.
const $ = (id) => document.getElementById(id);
let state = { showing: false, name: "", zone: "Asia/Ho_Chi_Minh" };
let running = null;

function tick() {
  const now = new Date();
  try {
    $("clock").textContent = now.toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: state.zone });
    const at = {};
    for (const { type, value } of new Intl.DateTimeFormat("vi-VN", { weekday: "long", day: "numeric", month: "numeric", year: "numeric", timeZone: state.zone }).formatToParts(now)) at[type] = value;
    $("date").textContent = `${at.weekday}, ngày ${at.day} tháng ${at.month} năm ${at.year}`;
  } catch { state.zone = "UTC"; }
}

// The largest size at which the whole text fits, so that a short notice fills the panel and a long one stays whole;
// whether that is large enough to be read: 24 px on a low panel, a twentieth of the height on a tall one.
function fit() {
  const card = $("card"), text = $("text");
  const style = getComputedStyle(card);
  const height = card.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  let low = 8, high = Math.max(10, Math.floor(card.clientHeight * 0.6));
  while (low < high) {
    const size = Math.ceil((low + high) / 2);
    text.style.fontSize = `${size}px`;
    if (text.scrollHeight <= height && text.scrollWidth <= text.clientWidth) low = size; else high = size - 1;
  }
  text.style.fontSize = `${low}px`;
  return low >= Math.max(Math.min(24, card.clientHeight * 0.75), card.clientHeight / 20);
}

function scroll() {
  const card = $("card"), text = $("text");
  card.className = "scroll";
  text.style.fontSize = "";
  text.textContent = state.text.replace(/\s+/g, " ").trim();
  const from = card.clientWidth, to = -text.scrollWidth;
  const speed = Math.max(40, parseFloat(getComputedStyle(text).fontSize) * 2.2); // pixels a second: about four letters
  running = text.animate([{ transform: `translateX(${from}px)` }, { transform: `translateX(${to}px)` }],
    { duration: ((from - to) / speed) * 1000, iterations: Infinity });
}

function draw() {
  const card = $("card"), text = $("text");
  if (running) { running.cancel(); running = null; }
  document.body.dataset.showing = String(state.showing);
  $("idle").hidden = state.showing;
  card.hidden = !state.showing;
  $("name").textContent = state.name;
  if (!state.showing) { text.textContent = ""; return; }
  card.className = "static";
  text.textContent = state.text;
  if (state.style === "scroll" || !fit()) scroll();
}

function listen() {
  const events = new EventSource("/events");
  events.onmessage = (event) => { state = JSON.parse(event.data); tick(); draw(); };
}

addEventListener("resize", draw);
setInterval(tick, 1000);
tick();
listen();
