// Draws the receivers that the page lists: coloured and shaped by their state, on a plain ground, without a tile server. All
// shapes are on one canvas, so thousands of them are no burden; whoever does not see it reads the list.
const box = document.getElementById("map");
const list = document.getElementById("spots");
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

function popup([receiver, name, area]) {
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
  let drawn = "";
  let fitted = false;

  function draw() {
    const text = document.getElementById("spots-drawn").textContent;
    if (text === drawn) return;
    drawn = text;
    const spots = JSON.parse(text);
    box.hidden = spots.length === 0;
    const fills = Object.fromEntries(Object.keys(COLOURS).map((name) => [name, colour(name)]));
    const gone = new Set(shown.keys());
    const first = shown.size === 0;
    // The worst come first in the list, and last on the canvas: nothing lies over them. Of thousands only those are drawn anew that changed.
    for (const spot of spots.reverse()) {
      const [receiver, , , standing, latitude, longitude] = spot;
      const of = JSON.stringify(spot);
      const before = shown.get(receiver);
      gone.delete(receiver);
      if (before?.of === of) continue;
      if (before) layer.removeLayer(before.shape);
      const hollow = standing === "waiting";
      const shape = new Shape([latitude, longitude], { spot, standing, radius: 9, color: fills[hollow ? standing : "ground"], weight: hollow ? 3 : 1, fill: !hollow, fillColor: fills[standing], fillOpacity: 1 }).addTo(layer);
      if (!first && (standing === "well" || hollow)) shape.bringToBack();
      shown.set(receiver, { of, shape });
    }
    for (const receiver of gone) {
      layer.removeLayer(shown.get(receiver).shape);
      shown.delete(receiver);
    }
    box.dataset.drawn = String(spots.length);
    if (!fitted && spots.length) {
      fitted = true;
      map.invalidateSize();
      const bounds = L.latLngBounds(spots.map((spot) => [spot[4], spot[5]]));
      if (outlines.length) bounds.extend(ground.getBounds());
      map.fitBounds(bounds, { padding: [30, 30], maxZoom: 16, animate: false });
    }
  }

  draw();
  new MutationObserver(draw).observe(list, { childList: true });
}

if (window.L) begin();
else box.replaceChildren(Object.assign(document.createElement("p"), { className: "note", textContent: box.dataset.failed }));
