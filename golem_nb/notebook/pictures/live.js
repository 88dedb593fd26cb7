// Makes pictures of oplogs live. The widget has no view: what it draws takes the place of the picture's HTML, which is
// found by its mark wherever the page shows it, also in a second view or after a reload. The notebook keeps the HTML.

const MARK = "data-golem-picture";
const FOCUSED = new Set(["button", "input"]);
const BORDER = "1px solid var(--jp-border-color1, #bbb)";
const GREY = "#767676";
const SELECTED = "#D55E00";
const REPLAYED = ["● live", "↺ replayed", ""];
const LIVE_STATE = 0, REPLAYED_STATE = 1;
const LANE = 22, TOP = 4, AXIS = 18, LABELS = 130;

function element(tag, style = "", attributes = {}, text = "") {
  const node = document.createElement(tag);
  node.style.cssText = style;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  // Lab would take the keys that are typed here: arrows go to other cells, and `d d` deletes this one. It asks the
  // element that has the focus, whatever lies around it.
  if (FOCUSED.has(tag) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
  if (text) node.textContent = text;
  return node;
}

function button(text, label, onclick) {
  const node = element("button", "font:inherit;color:inherit;background:var(--jp-layout-color0, #fff);" +
    `border:${BORDER};padding:0 8px;cursor:pointer`, { "aria-label": label, title: label, type: "button" }, text);
  node.onclick = onclick;
  return node;
}

// The frame of each picture.
function root() {
  return element("div", "color:var(--jp-content-font-color1, inherit);font-size:var(--jp-ui-font-size1, 13px)",
    { class: "golem-picture" });
}

function heading(title, note) {
  const line = element("div");
  line.append(element("b", "", {}, title), " ", element("span", "opacity:.72", {}, note));
  return line;
}

function bar(...parts) {
  const node = element("div", "display:flex;gap:6px;align-items:center;flex-wrap:wrap;margin:3px 0");
  node.append(...parts);
  return node;
}

function details() {
  return element("div", `min-height:3.2em;padding:4px 6px;border:${BORDER};margin-top:3px;white-space:pre-wrap;` +
    "overflow-wrap:anywhere;font-family:var(--jp-code-font-family, monospace);font-size:var(--jp-code-font-size, 13px)",
    { role: "status" });
}

function ago(ms) {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  if (ms < 60000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

function what(entries, row) {
  const answer = entries.response[row] ? `→ ${entries.response[row]}` : "";
  return [entries.kind[row], entries.function[row], entries.request[row], entries.message[row].trimEnd(), answer]
    .filter(Boolean).join(" ");
}

function line(entries, row) {
  return `${what(entries, row)} ${REPLAYED[entries.replayed[row]]}`.trimEnd();
}

function describe(entries, row) {
  return `#${entries.index[row]}  ${line(entries, row)}\n+${ago(entries.after[row])} from ${entries.begun}`;
}

// A canvas as wide as its place, sharp on any screen, drawn anew when that changes.
function canvas(height, label, draw) {
  const node = element("canvas", `display:block;width:100%;height:${height}px;cursor:crosshair`,
    { role: "img", "aria-label": label, tabindex: "0" });
  const redraw = () => {
    const width = node.clientWidth;
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    node.width = Math.round(width * scale);
    node.height = Math.round(height * scale);
    const pen = node.getContext("2d");
    pen.scale(scale, scale);
    pen.font = "11px 'DejaVu Sans', sans-serif";
    draw(pen, width, height);
  };
  const observer = new ResizeObserver(redraw);
  observer.observe(node);
  return { node, redraw, close: () => observer.disconnect() };
}

function hatch(pen, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 4;
  const stroke = tile.getContext("2d");
  stroke.strokeStyle = colour;
  stroke.lineWidth = 1.3;
  stroke.beginPath();
  stroke.moveTo(-1, 1); stroke.lineTo(1, -1);
  stroke.moveTo(0, 4); stroke.lineTo(4, 0);
  stroke.moveTo(3, 5); stroke.lineTo(5, 3);
  stroke.stroke();
  return pen.createPattern(tile, "repeat");
}

function timeline({ content }) {
  const { lanes, lane, begin, end, state, marks } = content;
  const whole = Math.max(content.length, 1e-6);
  const view = { from: 0, to: whole, chosen: null, drag: null };
  const box = root();
  const out = details();
  const rowsOf = lanes.map((_, at) => lane.flatMap((its, row) => (its === at ? [row] : [])));

  const toX = (place, width) => LABELS + (place - view.from) / (view.to - view.from) * (width - LABELS - 8);
  const toPlace = (x, width) => view.from + (x - LABELS) / (width - LABELS - 8) * (view.to - view.from);

  const draw = (pen, width) => {
    const bottom = TOP + LANE * lanes.length;
    pen.fillStyle = pen.strokeStyle = GREY;
    lanes.forEach((name, at) => {
      pen.textAlign = "right";
      pen.fillText(name, LABELS - 8, TOP + at * LANE + 15);
      pen.globalAlpha = 0.25;
      pen.fillRect(LABELS, TOP + (at + 1) * LANE - 1, width, 1);
      pen.globalAlpha = 1;
    });
    pen.save();
    pen.beginPath();
    pen.rect(LABELS, 0, width - LABELS, bottom);
    pen.clip();
    pen.textAlign = "center";
    pen.globalAlpha = 0.6;
    pen.setLineDash([1, 3]);
    let lastCut = -100;
    for (const [place, lasted] of content.cuts) {
      const x = toX(place, width);
      if (x < LABELS || x > width || x - lastCut < 3) continue;
      pen.beginPath(); pen.moveTo(x, TOP); pen.lineTo(x, bottom); pen.stroke();
      if (x - lastCut > 90) pen.fillText(lasted, x, bottom - 3);
      lastCut = x;
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    rowsOf.forEach((rows, at) => {
      const top = TOP + at * LANE;
      const colour = content.colours[at];
      const hatched = hatch(pen, colour);
      const drawn = [-1, -1, -1]; // the last pixel that is filled, by state: what lies within it would not be seen
      let lastMark = -100;
      for (const row of rows) {
        const a = toX(begin[row], width), b = Math.max(toX(end[row], width), a + 1);
        if (b < LABELS || a > width) continue;
        if (lanes[at] === "events") {
          if (a - lastMark < 9) continue;
          const [glyph, shade] = marks[row];
          pen.fillStyle = shade;
          pen.fillText(glyph, toX(end[row], width), top + 15);
          lastMark = a;
          continue;
        }
        if (b <= drawn[state[row]]) continue;
        drawn[state[row]] = Math.floor(b);
        pen.fillStyle = state[row] === REPLAYED_STATE ? hatched : colour;
        pen.fillRect(a, top + 4, b - a, LANE - 9);
        if (state[row] === REPLAYED_STATE) {
          pen.strokeStyle = colour;
          pen.lineWidth = 0.7;
          pen.strokeRect(a, top + 4, b - a, LANE - 9);
        }
      }
    });
    if (view.chosen !== null && lane[view.chosen] >= 0) {
      const a = toX(begin[view.chosen], width), b = Math.max(toX(end[view.chosen], width), a + 1);
      pen.strokeStyle = SELECTED;
      pen.lineWidth = 2;
      pen.strokeRect(a - 2, TOP + lane[view.chosen] * LANE + 2, b - a + 4, LANE - 5);
    }
    if (view.drag) {
      pen.fillStyle = SELECTED;
      pen.globalAlpha = 0.2;
      pen.fillRect(Math.min(...view.drag), 0, Math.abs(view.drag[1] - view.drag[0]), bottom);
      pen.globalAlpha = 1;
    }
    pen.restore();
    pen.fillStyle = GREY;
    pen.textAlign = "left";
    let last = -200;
    for (let row = 0; row < end.length; row++) {
      const x = toX(begin[row], width);
      if (x < LABELS || x > width - 80 || x - last < 120) continue;
      pen.fillRect(x, bottom, 1, 4);
      pen.fillText(`#${content.index[row]} +${ago(content.after[row])}`, x + 3, bottom + 13);
      last = x;
    }
  };
  const label = `${content.title}: ${content.summary}`;
  const picture = canvas(TOP + LANE * lanes.length + AXIS, label, draw);
  const { node } = picture;

  const choose = (row) => {
    view.chosen = row;
    out.textContent = row === null ? "click an entry; drag over a part to look closer" : describe(content, row);
    picture.redraw();
  };
  const show = (from, to) => {
    const length = Math.min(Math.max(to - from, whole / 1e6), whole);
    view.from = Math.min(Math.max(from, 0), whole - length);
    view.to = view.from + length;
    picture.redraw();
  };
  const zoom = (factor, around = (view.from + view.to) / 2) =>
    show(around - (around - view.from) * factor, around + (view.to - around) * factor);
  const pan = (part) => show(view.from + (view.to - view.from) * part, view.to + (view.to - view.from) * part);
  const all = () => show(0, whole);

  const find = (x, y, width) => {
    const at = Math.floor((y - TOP) / LANE);
    if (!rowsOf[at]) return null;
    let best = null, bestScore = Infinity;
    for (const row of rowsOf[at]) {
      const a = toX(begin[row], width), b = Math.max(toX(end[row], width), a + 1);
      const away = x < a ? a - x : x > b ? x - b : 0;
      const score = away * 1e6 + (b - a);
      if (away <= 6 && score < bestScore) [best, bestScore] = [row, score];
    }
    return best;
  };
  const xOf = (event) => event.clientX - node.getBoundingClientRect().left;
  node.onpointerdown = (event) => {
    view.drag = [xOf(event), xOf(event)];
    node.setPointerCapture(event.pointerId);
  };
  node.onpointermove = (event) => {
    if (!view.drag) return;
    view.drag[1] = xOf(event);
    picture.redraw();
  };
  node.onpointerup = (event) => {
    const [a, b] = (view.drag || [0, 0]).sort((p, q) => p - q);
    view.drag = null;
    if (b - a > 5) return show(toPlace(a, node.clientWidth), toPlace(b, node.clientWidth));
    choose(find(xOf(event), event.clientY - node.getBoundingClientRect().top, node.clientWidth));
  };
  node.onpointercancel = () => {
    view.drag = null;
    picture.redraw();
  };
  node.ondblclick = all;
  // The wheel alone scrolls the notebook.
  node.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, toPlace(xOf(event), node.clientWidth));
  }, { passive: false });
  const step = (by) => {
    const row = Math.min(Math.max((view.chosen ?? (by > 0 ? -1 : end.length)) + by, 0), end.length - 1);
    if (end[row] < view.from || begin[row] > view.to) show(begin[row] - (view.to - view.from) / 2, begin[row] + (view.to - view.from) / 2);
    choose(row);
  };
  const keys = {
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), "+": () => zoom(0.5), "=": () => zoom(0.5),
    "-": () => zoom(2), 0: all,
  };
  node.onkeydown = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  };
  box.append(heading(content.title, content.summary),
    bar(button("+", "zoom in", () => zoom(0.5)), button("−", "zoom out", () => zoom(2)),
      button("◀", "earlier", () => pan(-0.5)), button("▶", "later", () => pan(0.5)), button("All", "the whole oplog", all),
      element("span", "opacity:.72", {}, content.legend)),
    node, out);
  choose(null);
  return { box, close: picture.close };
}

function latency({ content }) {
  const STRIP = 70, LEFT = 56;
  const view = { chosen: null };
  const box = root();
  const out = details();
  const height = STRIP * content.strips.length + AXIS;
  const place = (row, width) => {
    const x = LEFT + 4 + (content.index[row] - content.first) / Math.max(content.last - content.first, 1) * (width - LEFT - 12);
    const part = (Math.log10(Math.max(content.ms[row], content.floor)) - content.low) / (content.high - content.low);
    return [x, content.strip[row] * STRIP + 18 + (STRIP - 22) * (1 - part)];
  };
  const dot = (pen, x, y, radius) => { pen.beginPath(); pen.arc(x, y, radius, 0, 2 * Math.PI); };
  const draw = (pen, width) => {
    content.strips.forEach((name, at) => {
      const top = at * STRIP;
      pen.fillStyle = GREY;
      pen.textAlign = "left";
      pen.font = "600 11px 'DejaVu Sans', sans-serif";
      pen.fillText(name, LEFT, top + 11);
      pen.font = "11px 'DejaVu Sans', sans-serif";
      pen.textAlign = "right";
      content.labels.forEach((label, decade) => {
        const y = top + 18 + (STRIP - 22) * (1 - decade / (content.labels.length - 1));
        pen.globalAlpha = 0.25;
        pen.fillRect(LEFT, y, width, 1);
        pen.globalAlpha = 1;
        if (content.labels.length <= 4 || decade === 0 || decade === content.labels.length - 1) pen.fillText(label, LEFT - 6, y + 4);
      });
    });
    const seen = new Set();
    content.ms.forEach((_, row) => {
      const [x, y] = place(row, width);
      const key = `${Math.round(x)},${Math.round(y)},${content.state[row]}`;
      if (seen.has(key)) return;
      seen.add(key);
      dot(pen, x, y, 2.2);
      pen.fillStyle = pen.strokeStyle = content.colour;
      if (content.state[row] === REPLAYED_STATE) pen.stroke(); else pen.fill();
    });
    if (view.chosen !== null) {
      dot(pen, ...place(view.chosen, width), 5);
      pen.strokeStyle = SELECTED;
      pen.lineWidth = 2;
      pen.stroke();
    }
    pen.fillStyle = GREY;
    pen.textAlign = "left";
    pen.fillText(`#${content.first}`, LEFT, height - 6);
    pen.textAlign = "right";
    pen.fillText(`#${content.last}`, width - 8, height - 6);
  };
  const picture = canvas(height, `${content.title}: ${content.note}`, draw);
  const choose = (row) => {
    view.chosen = row;
    out.textContent = row === null ? "click a dot" :
      `#${content.index[row]}  ${content.strips[content.strip[row]]}: ${content.said[row]} ${REPLAYED[content.state[row]]}`;
    picture.redraw();
  };
  picture.node.onclick = (event) => {
    const frame = picture.node.getBoundingClientRect();
    let best = null, bestAway = 100;
    content.ms.forEach((_, row) => {
      const [x, y] = place(row, frame.width);
      const away = (x - event.clientX + frame.left) ** 2 + (y - event.clientY + frame.top) ** 2;
      if (away < bestAway) [best, bestAway] = [row, away];
    });
    choose(best);
  };
  picture.node.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    choose(Math.min(Math.max((view.chosen ?? (by > 0 ? -1 : content.ms.length)) + by, 0), content.ms.length - 1));
  };
  const cell = "text-align:left;padding:2px 10px 2px 0;background:none";
  const table = element("table", "border-collapse:collapse");
  for (const cells of [["function", "n", "p50", "p95", "max"], ...content.table]) {
    const row = element("tr", "background:none");
    row.append(...cells.map((text) => element(cells[0] === "function" && cells[1] === "n" ? "th" : "td", cell, {}, text)));
    table.append(row);
  }
  box.append(heading(content.title, content.note), picture.node, out, table);
  choose(null);
  return { box, close: picture.close };
}

function scrubber({ content, tell }) {
  const last = content.index.length - 1;
  const view = { row: content.at, timer: 0 };
  const box = root();
  const mono = "font-family:var(--jp-code-font-family, monospace);font-size:var(--jp-code-font-size, 13px)";
  const field = `font:inherit;color:inherit;background:var(--jp-layout-color0, #fff);border:${BORDER};padding:1px 4px`;
  const slider = element("input", "flex:1;min-width:14em", {
    type: "range", min: 0, max: last, step: 1, "aria-label": "entry of the oplog",
  });
  const number = element("input", `${field};width:7em`, { type: "number", "aria-label": "oplog index" });
  const log = element("div", `${mono};flex:3;min-width:20em;height:19em;line-height:1.45;overflow:hidden;border:${BORDER}`, { "aria-hidden": "true" });
  const status = element("div", "margin-bottom:4px", { role: "status" });
  const facts = element("div", "margin-bottom:4px;overflow-wrap:anywhere");
  const output = element("div", `${mono};white-space:pre-wrap;overflow-wrap:anywhere;height:9em;overflow:auto;border:${BORDER};padding:2px 6px`,
    { role: "log", "aria-live": "off", "aria-label": "output so far", tabindex: "0" });
  const side = element("div", "flex:2;min-width:16em");
  side.append(status, facts, element("div", "opacity:.72", {}, "output so far"), output);
  const outputRows = Object.keys(content.output).map(Number).sort((a, b) => a - b);

  const rowElement = (row) => {
    const chosen = row === view.row;
    const node = element("div", "display:flex;gap:8px;padding:0 6px;cursor:pointer;white-space:nowrap;overflow:hidden;" +
      `border-left:3px solid ${chosen ? "#0072B2" : "transparent"};` +
      (chosen ? "font-weight:600;background:var(--jp-layout-color2, #eee);" : "") + (row > view.row ? "opacity:.55" : ""));
    node.append(element("span", "flex:none;width:1em", {}, chosen ? "▸" : ""),
      element("span", "flex:none;min-width:4em;text-align:right", {}, String(content.index[row])),
      element("span", "flex:none;width:1em", { title: REPLAYED[content.replayed[row]] }, REPLAYED[content.replayed[row]].slice(0, 1)),
      element("span", "overflow:hidden;text-overflow:ellipsis", { title: line(content, row) }, what(content, row)));
    node.onclick = () => go(row);
    return node;
  };
  const fact = (name, value) => {
    const node = element("div");
    node.append(element("span", "opacity:.72", {}, `${name}  `), value);
    return node;
  };
  const show = () => {
    const row = view.row;
    slider.value = row;
    slider.setAttribute("aria-valuetext", `#${content.index[row]} ${content.kind[row]}`);
    number.value = content.index[row];
    box.dataset.row = row;
    const first = Math.min(Math.max(0, row - 6), Math.max(0, last - 12));
    log.replaceChildren(...Array.from({ length: Math.min(13, last + 1) }, (_, at) => rowElement(first + at)));
    const [word, glyph, colour] = content.statuses[content.status[row]];
    const badge = element("span", `color:${colour};font-weight:600`, {}, `${glyph} ${word}`);
    status.replaceChildren(badge, ` at #${content.index[row]}, +${ago(content.after[row])}`);
    const begun = content.open[row];
    const call = begun < 0 ? "none" :
      `${content.function[begun]}(${content.request[begun].replace(/^\[|\]$/g, "")}) since #${content.index[begun]}`;
    facts.replaceChildren(fact("entry", line(content, row)), fact("invocation", call),
      fact("next", row < last ? line(content, row + 1) : "nothing: the oplog ends here"));
    let behind = outputRows.length;
    for (let low = 0, high = outputRows.length; ;) { // how many rows of output are not behind this one
      if (low >= high) { behind = low; break; }
      const middle = (low + high) >> 1;
      if (outputRows[middle] <= row) low = middle + 1; else high = middle;
    }
    const lines = [];
    while (behind > 0 && lines.length < 200) {
      const at = outputRows[--behind];
      if (!(content.undone[at] <= row)) lines.unshift(content.output[at]); // else a revert undid it by then
    }
    output.textContent = lines.join("") || "none";
    output.scrollTop = output.scrollHeight;
  };
  const go = (row) => {
    view.row = Math.min(Math.max(row, 0), last);
    show();
    if (!tell) return;
    clearTimeout(view.timer);
    view.timer = setTimeout(() => tell({ row: view.row }), 200); // where the reader stops, not what is passed
  };
  slider.oninput = () => go(Number(slider.value));
  number.onchange = () => {
    const wanted = Number(number.value);
    const at = content.index.findIndex((index) => index >= wanted);
    go(at < 0 ? last : at);
  };
  for (const node of [slider, number]) node.addEventListener("keydown", (event) => event.stopPropagation());
  box.append(heading(content.title, content.summary),
    bar(button("|◀", "first entry", () => go(0)), button("◀", "entry before", () => go(view.row - 1)), slider,
      button("▶", "next entry", () => go(view.row + 1)), button("▶|", "last entry", () => go(last)), "#", number,
      `of ${content.index[last]}`));
  const columns = element("div", "display:flex;gap:10px;flex-wrap:wrap");
  columns.append(log, side);
  box.append(columns);
  show();
  return { box, close: () => clearTimeout(view.timer) };
}

const FORMS = { timeline, latency, scrubber };

function initialize({ model, signal }) {
  const name = model.get("name");
  const make = FORMS[model.get("form")];
  const content = model.get("content");
  const tell = model.get("tells") ? (message) => model.send(message) : null;
  const places = new Map(); // where the HTML is, and how to bring it back
  const look = () => {
    for (const place of document.querySelectorAll(`[${MARK}="${name}"]`)) {
      if (places.has(place)) continue;
      const stored = [...place.childNodes];
      const { box, close } = make({ content, tell });
      place.replaceChildren(box);
      places.set(place, () => { close(); place.replaceChildren(...stored); });
    }
  };
  let due = 0;
  const observer = new MutationObserver(() => { due ||= requestAnimationFrame(() => { due = 0; look(); }); });
  observer.observe(document.body, { childList: true, subtree: true });
  look();
  const undo = () => {
    observer.disconnect();
    cancelAnimationFrame(due);
    for (const back of places.values()) back();
    places.clear();
  };
  signal?.addEventListener("abort", undo, { once: true });
  return undo;
}

export default { initialize, render() {} };
