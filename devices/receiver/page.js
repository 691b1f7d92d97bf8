// Draws what the receiver says over /events: it has measured the text for this window. The clock while it says nothing.
const $ = (id) => document.getElementById(id);
const kept = JSON.parse(localStorage.getItem("idle") || "null");
let state = kept || { showing: false, name: "", zone: "Asia/Ho_Chi_Minh", idle: { clock_px: Math.floor(innerHeight / 2), date_px: 0, name_px: 0 } };
let events = null, running = [], asked = "";

function tick() {
  const now = new Date(), at = {};
  let time;
  try {
    time = now.toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: state.zone });
    for (const { type, value } of new Intl.DateTimeFormat("vi-VN", { weekday: "long", day: "numeric", month: "numeric", year: "numeric", timeZone: state.zone }).formatToParts(now)) at[type] = value;
  } catch { state.zone = "UTC"; return; }
  $("clock").textContent = $("time").textContent = time;
  const weekday = at.weekday === "Chủ Nhật" ? at.weekday : at.weekday.charAt(0).toLowerCase() + at.weekday.slice(1);
  $("date").textContent = `${weekday}, ngày ${at.day} tháng ${at.month} năm ${at.year}`;
}

function size(element, px) {
  element.hidden = !px;
  element.style.fontSize = `${px}px`;
  return element;
}

function move(element, ms, elapsed) {
  element.classList.toggle("moving", ms > 0);
  if (!ms) return;
  const way = element.animate(
    [{ transform: `translateX(${innerWidth}px)` }, { transform: `translateX(${-element.offsetWidth}px)` }],
    { duration: ms, iterations: Infinity });
  way.currentTime = elapsed;
  running.push(way);
}

function draw() {
  running.forEach((way) => way.cancel());
  running = [];
  const card = state.showing ? state.layout : null, image = card && card.kind === "image";
  document.body.dataset.showing = String(state.showing);
  $("idle").hidden = Boolean(card);
  $("card").hidden = !card;
  $("name").firstChild.textContent = state.name;
  if (!card) {
    $("text").textContent = "";
    size($("clock"), state.idle.clock_px);
    size($("date"), state.idle.date_px);
    move(size($("name"), state.idle.name_px), state.idle.name_pass_ms, 0);
    return;
  }
  $("card").className = `${card.kind}${card.slogan ? " slogan" : ""}`;
  size($("time"), card.time_px);
  size($("text"), image ? 0 : card.px).textContent = card.lines.join("\n");
  $("image").hidden = !image;
  if (image) { $("image").src = `/image/${state.image}`; $("image").alt = state.text; }
  move($("text"), card.pass_ms, state.elapsed_ms);
}

function listen() {
  const where = `/events?width=${innerWidth}&height=${innerHeight}`;
  if (where === asked) return;
  asked = where;
  if (events) events.close();
  events = new EventSource(where);
  events.onmessage = async (event) => {
    await document.fonts.load("600 24px Card");
    state = JSON.parse(event.data);
    if (!state.showing) localStorage.setItem("idle", event.data);
    tick();
    draw();
  };
}

addEventListener("resize", listen);
setInterval(tick, 1000);
tick();
draw();
listen();
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js");
