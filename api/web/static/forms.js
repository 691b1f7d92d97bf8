// A form that was sent is not sent again while its answer is on its way, however often its button is pressed.
const sent = new Set();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) { event.preventDefault(); return; }
  sent.add(form);
  setTimeout(() => sent.delete(form), 10_000); // an answer that was broken off, or that leaves the page as it is
});
addEventListener("pageshow", () => sent.clear());
