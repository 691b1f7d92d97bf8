// Listening: the sentence that is heard is marked, the waveform shows how far it is, a click leads there.
const upgraded = new WeakSet();

function sentences() {
  const found = [];
  for (const element of document.querySelectorAll("[data-heard]"))
    for (const stretch of element.dataset.heard.split(" ")) {
      const [start, end] = stretch.split("-").map(Number);
      found.push({ element, start: start / 1000, end: end / 1000 });
    }
  return found;
}

function upgrade(player) {
  upgraded.add(player);
  const audio = player.querySelector("audio");
  const wave = player.querySelector(".wave");
  const head = player.querySelector(".playhead");
  let frame = 0;

  function show() {
    const at = audio.currentTime;
    for (const { element } of sentences()) element.classList.remove("now-heard");
    if (!audio.paused || at > 0) {
      const now = sentences().find(({ start, end }) => start <= at && at < end + 0.25);
      if (now && !audio.ended) now.element.classList.add("now-heard");
    }
    if (audio.duration) head.style.width = `${(100 * at) / audio.duration}%`;
    if (!audio.paused && !audio.ended) frame = requestAnimationFrame(show);
  }

  wave.hidden = false;
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    const part = event.detail === 0 ? 0 : (event.clientX - box.left) / box.width;
    if (audio.duration) audio.currentTime = part * audio.duration;
    audio.play();
  });
  for (const name of ["play", "pause", "seeked", "ended"])
    audio.addEventListener(name, () => { cancelAnimationFrame(frame); show(); });
  if (!audio.paused) show();
  document.addEventListener("click", (event) => {
    const heard = event.target.closest("[data-heard]");
    if (!heard || event.target.closest("a") || !audio.isConnected || audio.readyState === 0) return;
    audio.currentTime = Number(heard.dataset.heard.split("-")[0]) / 1000;
    audio.play();
  });
}

export function look() {
  for (const player of document.querySelectorAll("[data-player]")) if (!upgraded.has(player)) upgrade(player);
}

look();
document.addEventListener("htmx:load", look);
