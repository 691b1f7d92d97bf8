// Draws the receivers that the page tells of: coloured and shaped by their state, on a plain ground, without a tile server. All
// shapes are on one canvas, so thousands of them are no burden; whoever does not see it reads the list.
//
// Where they stand is fetched once, and again only when the list names other places than these; how each is now stands in the
// list, a digit of each in the same order, and comes with it whenever it changes.
const box = document.getElementById("map");
const list = document.getElementById("spots");
const STANDINGS = ["lost", "trouble", "waiting", "well"];
const COLOURS = { well: "--good", trouble: "--warn", lost: "--bad", waiting: "--soft", ground: "--card" };
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(COLOURS[name]).trim();

function shapes() {
  // Leaflet draws circles; the others are drawn in their place (its `_updatePath` is where a shape says how it looks).
  return L.CircleMarker.extend({
    _updatePath() {
      const canvas = this._renderer;
      if (!canvas._drawing || this._empty()) return;
      const { x, y } = this._point;
      const r = this._radius;
      const ctx = canvas._ctx;
      ctx.beginPath();
      if (this.options.standing === "lost") ctx.rect(x - r, y - r, 2 * r, 2 * r);
      else if (this.options.standing === "trouble") { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y + r); ctx.lineTo(x - r, y + r); ctx.closePath(); }
      else ctx.arc(x, y, r, 0, 2 * Math.PI);
      canvas._fillStroke(ctx, this);
    },
  });
}

function popup([receiver, name, , , area]) {
  const content = document.createElement("div");
  const link = document.createElement("a");
  link.href = `/receivers/${encodeURIComponent(receiver)}`;
  link.textContent = name;
  content.append(link, area);
  return content;
}

function begin() {
  const map = L.map(box, { renderer: L.canvas({ tolerance: 8 }), attributionControl: false, zoomControl: false, minZoom: 3, maxZoom: 19 });
  L.control.zoom({ zoomInTitle: box.dataset.zoomIn, zoomOutTitle: box.dataset.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.on("popupopen", ({ popup: opened }) => opened.getElement().querySelector(".leaflet-popup-close-button")?.setAttribute("aria-label", box.dataset.close));
  const outlines = JSON.parse(document.getElementById("outlines").textContent);
  // Below the receivers, and not to be touched.
  const ground = L.geoJSON(outlines, { interactive: false, style: { color: colour("waiting"), weight: 1.5, fill: false } }).addTo(map);
  box.dataset.outlines = String(outlines.length);
  const Shape = shapes();
  const layer = L.featureGroup().bindPopup((shape) => popup(shape.options.spot)).addTo(map);
  const shown = new Map(); // by receiver: what it was drawn of, and its shape
  let having = { name: null, places: [] };
  let fetching = false;
  let again = false;
  let fitted = false;

  function draw(now) {
    box.hidden = now === "";
    const fills = Object.fromEntries(Object.keys(COLOURS).map((name) => [name, colour(name)]));
    const gone = new Set(shown.keys());
    const first = shown.size === 0;
    // The worst are last on the canvas: nothing lies over them. Of thousands only those are drawn anew that changed.
    const changed = [];
    having.places.forEach((spot, at) => {
      const before = shown.get(spot[0]);
      gone.delete(spot[0]);
      if (before?.spot !== spot || before.digit !== now[at]) changed.push([spot, now[at], before]);
    });
    changed.sort((one, other) => Number(other[1]) - Number(one[1]));
    for (const [spot, digit, before] of changed) {
      if (before) layer.removeLayer(before.shape);
      const standing = STANDINGS[digit];
      const hollow = standing === "waiting";
      const shape = new Shape([spot[2], spot[3]], { spot, standing, radius: 9, color: fills[hollow ? standing : "ground"], weight: hollow ? 3 : 1, fill: !hollow, fillColor: fills[standing], fillOpacity: 1 }).addTo(layer);
      if (!first && (standing === "well" || hollow)) shape.bringToBack();
      shown.set(spot[0], { spot, digit, shape });
    }
    for (const receiver of gone) {
      layer.removeLayer(shown.get(receiver).shape);
      shown.delete(receiver);
    }
    box.dataset.drawn = String(now.length);
    if (!fitted && now) {
      fitted = true;
      map.invalidateSize();
      const bounds = L.latLngBounds(having.places.map((spot) => [spot[2], spot[3]]));
      if (outlines.length) bounds.extend(ground.getBounds());
      map.fitBounds(bounds, { padding: [30, 30], maxZoom: 16, animate: false });
    }
  }

  async function update() {
    const told = document.getElementById("spots-now");
    if (told.dataset.places === having.name) { draw(told.textContent); return; }
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(box.dataset.places, { headers: { Accept: "application/json" } });
      if (answer.redirected) return; // to the log-in, where live.js leads
      if (!answer.ok) throw new Error(String(answer.status));
      const { name, now, places } = await answer.json();
      // What stands as it stood is the same to `draw`: its shape stays, and what is open at it.
      const kept = (spot, before) => (String(before) === String(spot) ? before : spot);
      having = { name, places: places.flatMap(([area, spots]) => spots.map((spot) => kept([...spot, area], shown.get(spot[0])?.spot))) };
      draw(now);
    } catch {
      setTimeout(update, 2000);
    } finally {
      fetching = false;
      if (again) { again = false; update(); }
    }
  }

  update();
  new MutationObserver(update).observe(list, { childList: true });
}

if (window.L) begin();
else box.replaceChildren(Object.assign(document.createElement("p"), { className: "note", textContent: box.dataset.failed }));
