"use strict";
// The data: see page.go. Targets, spans and edges are rows; the names of their columns
// are here.
const data = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").remove();
const row = (names) => (values) => Object.fromEntries(names.map((n, i) => [n, values[i]]));
const targets = data.targets.map(row(["key", "name", "dir", "outcome", "why", "runs", "took", "reads", "writes", "undeclared", "procs"]));
const spans = data.spans.map(row(["kind", "name", "target", "dir", "lane", "start", "took", "failed"]));
targets.forEach((t, i) => { t.index = i; t.needs = []; t.neededBy = []; t.shown = t.key.replace(/^\.\//, ""); });
const kinds = ["declared", "order-only", "read", "learned"];
for (const [from, to, kind] of data.edges) {
  targets[from].needs.push({ target: to, kind: kinds[kind] });
  targets[to].neededBy.push({ target: from, kind: kinds[kind] });
}
const outcomes = { ran: "ran", restored: "from the cache", cut: "cut off", kept: "up to date", failed: "failed", group: "no recipe" };
const chain = new Set(data.chain);

const $ = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const make = (tag, text, attributes = {}) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
};
const time = (us) => us >= 1e7 ? (us / 1e6).toFixed(1) + " s" : us >= 1e5 ? (us / 1e6).toFixed(2) + " s" : (us / 1e3).toFixed(1) + " ms";

// What is chosen and how the table is filtered.
let chosen = -1, sortBy = "took", descending = true, limit = 100, found = [];

// ---- header
document.title = "Build of " + data.title;
$("title").textContent = "Build of " + data.title;
$("summary").textContent = data.summary;
$("hint").textContent = data.hint;
for (const [name, words] of Object.entries(outcomes)) {
  const n = targets.filter((t) => t.outcome === name).length;
  if (n === 0) continue;
  const b = make("button", n + " " + words, { type: "button", "aria-pressed": "false", style: `--mark: var(--${name})` });
  b.dataset.outcome = name;
  b.onclick = () => { $("outcome").value = $("outcome").value === name ? "" : name; filter(); $("search").scrollIntoView({ block: "nearest" }); };
  const item = make("li");
  item.append(b);
  $("counts").append(item);
  $("outcome").append(make("option", words, { value: name }));
}

// ---- table
const columns = [
  ["shown", "Target", false], ["outcome", "Outcome", false], ["took", "Took", true], ["runs", "Runs", true],
  ["reads", "Reads", true], ["why", "Why", false],
];
for (const [id, title, number] of columns) {
  const th = make("th", undefined, { scope: "col", class: number ? "number" : "" });
  const b = make("button", title, { type: "button" });
  b.onclick = () => { descending = sortBy === id ? !descending : number; sortBy = id; filter(); };
  th.dataset.column = id;
  th.append(b);
  $("columns").append(th);
}

function filter() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), outcome = $("outcome").value;
  found = targets.filter((t) => (!outcome || t.outcome === outcome) &&
    words.every((w) => t.shown.toLowerCase().includes(w) || t.why.toLowerCase().includes(w)));
  const sign = descending ? -1 : 1;
  found.sort((x, y) => sign * (x[sortBy] < y[sortBy] ? -1 : x[sortBy] > y[sortBy] ? 1 : 0) || x.index - y.index);
  $("found").textContent = found.length + " of " + targets.length + " targets";
  for (const th of $("columns").children) {
    if (th.dataset.column === sortBy) th.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else th.removeAttribute("aria-sort");
  }
  for (const b of $("counts").querySelectorAll("button")) b.setAttribute("aria-pressed", String(b.dataset.outcome === outcome));
  limit = 100;
  fill();
}

function fill() {
  const rows = document.createDocumentFragment();
  for (const t of found.slice(0, limit)) {
    const tr = make("tr", undefined, { "aria-selected": String(t.index === chosen) });
    tr.dataset.index = t.index;
    const name = make("td"), b = make("button", t.shown, { type: "button" });
    b.onclick = () => choose(t.index);
    name.append(b);
    tr.append(name, make("td", outcomes[t.outcome], { class: "outcome", style: `--mark: var(--${t.outcome})` }),
      make("td", t.took ? time(t.took) : "", { class: "number" }), make("td", t.runs || "", { class: "number" }),
      make("td", t.reads || "", { class: "number" }), make("td", t.why));
    rows.append(tr);
  }
  $("rows").replaceChildren(rows);
  $("more").hidden = found.length <= limit;
}
$("more").onclick = () => {
  const next = limit;
  limit += 500;
  fill();
  $("rows").children[next]?.querySelector("button").focus();
};
$("search").oninput = filter;
$("outcome").onchange = filter;
$("search-form").onsubmit = (e) => { e.preventDefault(); if (found.length) choose(found[0].index); };

// ---- the chosen target
function choose(index) {
  chosen = index;
  for (const tr of $("rows").children) tr.setAttribute("aria-selected", String(Number(tr.dataset.index) === index));
  describe(targets[index]);
  graph.center(index);
  timeline.draw();
}

function describe(t) {
  const out = [make("h3", t.shown), make("p", sentence(t))];
  if (t.runs > 1) out.push(make("p", "Its recipe ran " + t.runs + " times in this build."));
  if (t.reads || t.writes) out.push(make("p", `It read ${t.reads} files and left ${t.writes}. Its make ran in ${t.dir}.`));
  links(out, "Needs", t.needs);
  links(out, "Needed by", t.neededBy);
  if (t.undeclared.length) {
    out.push(make("h4", "Read and not declared"));
    const list = make("ul");
    for (const name of t.undeclared) list.append(make("li", name, { class: "undeclared" }));
    out.push(list);
  }
  if (t.procs.length) {
    out.push(make("h4", "Processes"), processes(t.procs));
  }
  $("detail").replaceChildren(...out);
}

function sentence(t) {
  const took = t.took ? ", which took " + time(t.took) : "";
  switch (t.outcome) {
    case "ran": return `Its recipe ran${took}, because ${t.why}.`;
    case "failed": return `Its recipe failed. It ran because ${t.why || "it had to"}.`;
    case "restored": return `It came from the cache, because ${t.why}.`;
    case "cut": return `It is up to date, though a prerequisite is newer: ${t.why}.`;
    case "kept": return `It is up to date: ${t.why}.`;
  }
  return "It has no recipe.";
}

function links(out, title, edges) {
  if (!edges.length) return;
  out.push(make("h4", title + " (" + edges.length + ")"));
  const list = make("ul");
  for (const e of edges.slice(0, 100)) {
    const b = make("button", targets[e.target].shown, { type: "button" });
    b.onclick = () => { choose(e.target); $("detail").focus(); };
    const item = make("li", undefined, { class: e.kind === "read" || e.kind === "learned" ? "undeclared" : "" });
    item.append(b);
    if (e.kind !== "declared") item.append(" (" + e.kind + ")");
    list.append(item);
  }
  if (edges.length > 100) list.append(make("li", "and " + (edges.length - 100) + " more"));
  out.push(list);
}

function processes(procs) {
  const top = make("ul"), at = [top];
  for (const [depth, text] of procs) {
    const item = make("li");
    item.append(make("code", text));
    const d = Math.min(depth, at.length - 1);
    at[d].append(item);
    const below = make("ul");
    at.length = d + 1;
    at.push(below);
    item.append(below);
  }
  for (const empty of top.querySelectorAll("ul:empty")) empty.remove();
  return top;
}

// ---- canvases
// sized makes a canvas as sharp as the screen and gives its context and size.
function sized(canvas) {
  const scale = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * scale) || canvas.height !== Math.round(h * scale)) {
    canvas.width = Math.round(w * scale);
    canvas.height = Math.round(h * scale);
  }
  const c = canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, w, h);
  c.font = "12px system-ui, sans-serif";
  c.textBaseline = "middle";
  return { c, w, h };
}

// drag calls move while a pointer is dragged and click when it was not moved.
function drag(canvas, move, click) {
  let last = null, moved = 0;
  canvas.onpointerdown = (e) => { last = e; moved = 0; canvas.setPointerCapture(e.pointerId); };
  canvas.onpointermove = (e) => {
    if (!last) return;
    moved += Math.abs(e.clientX - last.clientX) + Math.abs(e.clientY - last.clientY);
    move(e.clientX - last.clientX, e.clientY - last.clientY);
    last = e;
  };
  canvas.onpointerup = (e) => { if (last && moved < 4) click(e.offsetX, e.offsetY); last = null; };
}

const timeline = (() => {
  const canvas = $("timeline");
  const shown = spans.filter((s) => s.kind === "recipe" || s.kind === "restore" || s.kind === "shell" || s.kind === "wildcard");
  const end = Math.max(1, ...data.ends), lanes = 1 + shown.reduce((n, s) => Math.max(n, s.lane), 0);
  let from = 0, to = end, current = -1;
  canvas.style.height = Math.min(288, 24 + lanes * 26) + "px";
  const height = (h) => Math.max(4, Math.min(26, (h - 22) / lanes));
  function draw() {
    const { c, w, h } = sized(canvas), scale = w / (to - from), lane = height(h), ink = color("ink");
    const colors = { recipe: color("ran"), restore: color("restored"), failed: color("failed"), shell: color("kept"), wildcard: color("kept") };
    const paper = color("paper"), outline = color("chain"), focus = color("focus");
    shown.forEach((s, i) => {
      const x = (s.start - from) * scale, width = Math.max(1, s.took * scale), y = 20 + s.lane * lane;
      if (x > w || x + width < 0) return;
      c.fillStyle = s.failed ? colors.failed : colors[s.kind];
      c.fillRect(x, y, width, lane - 2);
      if (s.target >= 0 && chain.has(s.target)) { c.strokeStyle = outline; c.lineWidth = 1.5; c.strokeRect(x + .5, y + .5, Math.max(1, width - 1), lane - 3); }
      if (i === current || s.target >= 0 && s.target === chosen) { c.strokeStyle = focus; c.lineWidth = 3; c.strokeRect(x, y, width, lane - 2); }
      if (width > 40 && lane > 12) {
        c.save();
        c.beginPath();
        c.rect(x, y, width - 3, lane);
        c.clip();
        c.fillStyle = paper;
        c.fillText(s.name, Math.max(x, 0) + 4, y + lane / 2 - 1);
        c.restore();
      }
    });
    c.fillStyle = ink;
    for (let i = 0; i < 6; i++) {
      const x = i * w / 6;
      c.fillText(time(from + i * (to - from) / 6), x + 2, 9);
      c.fillRect(x, 16, 1, 4);
    }
  }
  function zoom(factor, at = .5) {
    if (factor === 0) { from = 0; to = end; draw(); return; }
    const middle = from + (to - from) * at, width = Math.min(end, Math.max(10, (to - from) / factor));
    from = Math.max(0, Math.min(end - width, middle - width * at));
    to = from + width;
    draw();
  }
  function show(i) {
    current = i;
    const s = shown[i];
    if (s.start < from || s.start > to) { const width = to - from; from = Math.max(0, Math.min(end - width, s.start - width / 2)); to = from + width; }
    canvas.setAttribute("aria-label", `${s.name}: ${s.kind}, ${s.failed ? "failed, " : ""}took ${time(s.took)}, began at ${time(s.start)}`);
    if (s.target >= 0) choose(s.target); else draw();
  }
  canvas.onkeydown = (e) => {
    const last = shown.length - 1;
    switch (e.key) {
      case "ArrowRight": if (last >= 0) show(Math.min(last, current + 1)); break;
      case "ArrowLeft": if (last >= 0) show(Math.max(0, current - 1)); break;
      case "Home": if (last >= 0) show(0); break;
      case "End": if (last >= 0) show(last); break;
      case "+": case "=": zoom(2); break;
      case "-": zoom(.5); break;
      case "0": zoom(0); break;
      default: return;
    }
    e.preventDefault();
  };
  canvas.addEventListener("wheel", (e) => { if (!e.ctrlKey && !e.shiftKey) return; e.preventDefault(); zoom(e.deltaY < 0 ? 1.25 : .8, e.offsetX / canvas.clientWidth); }, { passive: false });
  drag(canvas, (dx) => {
    const width = to - from;
    from = Math.max(0, Math.min(end - width, from - dx * width / canvas.clientWidth));
    to = from + width;
    draw();
  }, (x, y) => {
    const t = from + x * (to - from) / canvas.clientWidth, lane = Math.floor((y - 20) / height(canvas.clientHeight));
    const slack = 3 * (to - from) / canvas.clientWidth;
    const i = shown.findIndex((s) => s.lane === lane && s.start - slack <= t && t <= s.start + s.took + slack);
    if (i >= 0) show(i);
  });
  return { draw, zoom };
})();

const graph = (() => {
  const canvas = $("graph");
  // A target stands to the right of all that it needs: those of one depth fill as many columns
  // as give the whole the shape of the canvas.
  const depth = new Int32Array(targets.length).fill(-1);
  for (const t of targets) place(t.index);
  function place(start) {
    const stack = [[start, 0]];
    while (stack.length) {
      const top = stack[stack.length - 1], t = targets[top[0]];
      if (depth[t.index] === -1) depth[t.index] = -2; // inside: a circle is cut
      if (top[1] < t.needs.length) {
        const need = t.needs[top[1]++].target;
        if (depth[need] === -1) stack.push([need, 0]);
        continue;
      }
      if (depth[t.index] === -2) depth[t.index] = t.needs.reduce((d, n) => Math.max(d, depth[n.target] + 1), 0);
      stack.pop();
    }
  }
  const width = 240, height = 24, ratio = (canvas.clientHeight / canvas.clientWidth) || .4;
  const rows = Math.max(12, Math.ceil(Math.sqrt(targets.length * width * ratio / height)));
  const levels = [];
  for (const t of targets) (levels[depth[t.index]] ??= []).push(t);
  let column = 0;
  for (const level of levels) {
    const columns = Math.ceil(level.length / rows), each = Math.ceil(level.length / columns);
    level.forEach((t, i) => {
      t.x = (column + Math.floor(i / each)) * width;
      t.y = (i % each - (Math.min(each, level.length) - 1) / 2) * height; // columns are centred
    });
    column += columns;
  }
  let x = 0, y = 0, scale = 1;
  function all() {
    const w = canvas.clientWidth, h = canvas.clientHeight;
    let [left, right, top, bottom] = [0, 1, 0, 1];
    for (const t of targets) { left = Math.min(left, t.x); right = Math.max(right, t.x + 220); top = Math.min(top, t.y); bottom = Math.max(bottom, t.y + 24); }
    scale = Math.min(1.2, w / (right - left + 40), h / (bottom - top + 40));
    x = (left + right) / 2;
    y = (top + bottom) / 2;
  }
  const dashes = { declared: [], "order-only": [1, 4], read: [7, 4], learned: [7, 4] };
  function draw() {
    const { c, w, h } = sized(canvas);
    const sx = (v) => (v - x) * scale + w / 2, sy = (v) => (v - y) * scale + h / 2;
    const seen = (t) => { const px = sx(t.x), py = sy(t.y); return px > -240 * scale && px < w && py > -30 && py < h + 30; };
    const near = chosen >= 0 ? new Set([chosen, ...targets[chosen].needs.map((e) => e.target), ...targets[chosen].neededBy.map((e) => e.target)]) : null;
    const strokes = { declared: color("soft"), "order-only": color("soft"), read: color("undeclared"), learned: color("undeclared") };
    // Beyond some number of lines nothing can be told apart: then only those of the chosen target are drawn.
    const visible = targets.filter(seen);
    const lines = visible.reduce((n, t) => n + t.needs.length, 0), crowded = lines > 20000;
    const faint = Math.max(.12, Math.min(.5, 500 / lines));
    for (const t of crowded ? (chosen >= 0 ? [targets[chosen], ...targets[chosen].neededBy.map((e) => targets[e.target])] : []) : targets) {
      for (const e of t.needs) {
        const to = targets[e.target], mine = t.index === chosen || e.target === chosen;
        if (crowded && !mine || !mine && !seen(t) && !seen(to)) continue;
        c.strokeStyle = mine ? color("focus") : strokes[e.kind];
        c.globalAlpha = mine ? 1 : near ? Math.min(.15, faint) : faint;
        c.lineWidth = mine ? 2 : 1;
        c.setLineDash(dashes[e.kind]);
        c.beginPath();
        const x1 = sx(to.x + 200), y1 = sy(to.y), x2 = sx(t.x), y2 = sy(t.y), bend = Math.max(20, Math.abs(x2 - x1) / 2);
        c.moveTo(x1, y1);
        c.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
        c.stroke();
      }
    }
    c.setLineDash([]);
    const fills = Object.fromEntries(Object.keys(outcomes).map((o) => [o, color(o)])), ink = color("ink"), focus = color("focus");
    for (const t of visible) {
      c.globalAlpha = near && !near.has(t.index) ? .35 : 1;
      const px = sx(t.x), py = sy(t.y), size = Math.max(2, Math.min(10, 10 * scale));
      c.fillStyle = fills[t.outcome];
      c.fillRect(px, py - size / 2, size, size);
      if (t.index === chosen) { c.strokeStyle = focus; c.lineWidth = 3; c.strokeRect(px - 2, py - size / 2 - 2, size + 4, size + 4); }
      if (scale > .45 || t.index === chosen) {
        c.fillStyle = ink;
        const name = t.shown.length > 32 ? "…" + t.shown.slice(-31) : t.shown;
        c.fillText(name, px + size + 4, py);
      }
    }
    c.globalAlpha = 1;
  }
  function zoom(factor) { if (factor === 0) all(); else scale = Math.min(4, Math.max(.002, scale * factor)); draw(); }
  function center(index) {
    x = targets[index].x + 100;
    y = targets[index].y;
    scale = Math.max(scale, .8);
    draw();
  }
  canvas.onkeydown = (e) => {
    const step = 80 / scale;
    switch (e.key) {
      case "ArrowRight": x += step; break;
      case "ArrowLeft": x -= step; break;
      case "ArrowDown": y += step; break;
      case "ArrowUp": y -= step; break;
      case "+": case "=": zoom(1.5); break;
      case "-": zoom(1 / 1.5); break;
      case "0": zoom(0); break;
      default: return;
    }
    e.preventDefault();
    draw();
  };
  canvas.addEventListener("wheel", (e) => { if (!e.ctrlKey && !e.shiftKey) return; e.preventDefault(); zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2); }, { passive: false });
  drag(canvas, (dx, dy) => { x -= dx / scale; y -= dy / scale; draw(); }, (px, py) => {
    const gx = (px - canvas.clientWidth / 2) / scale + x, gy = (py - canvas.clientHeight / 2) / scale + y;
    let best = -1, distance = Infinity;
    for (const t of targets) {
      const d = Math.abs(t.y - gy) + (gx < t.x - 6 || gx > t.x + 210 ? Infinity : 0);
      if (d < distance && d < 14) { best = t.index; distance = d; }
    }
    if (best >= 0) choose(best);
  });
  all();
  return { draw, zoom, center };
})();

for (const b of document.querySelectorAll("button[data-zoom]")) {
  b.onclick = () => (b.dataset.for === "graph" ? graph : timeline).zoom(Number(b.dataset.zoom));
}
const redraw = () => { timeline.draw(); graph.draw(); };
window.addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
filter();
redraw();
