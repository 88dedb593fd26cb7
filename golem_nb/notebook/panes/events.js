// The live event pane. Everything a reader does (pause, filter, level, clear) happens here, in the browser: the kernel
// answers no clicks while a cell runs. Lines come twice, as deltas and in the bounded trait `tail`; a line's number
// (seq) says whether we have it, and `tail` fills what was sent before this view was there.

const LEVELS = [["all", 0], ["info +", 2], ["warn +", 3], ["error +", 4]];
const STATES = { live: "● live", reconnecting: "↻ reconnecting", closed: "■ closed" };
const FOCUSED = new Set(["button", "input", "select"]);
const BORDER = "1px solid var(--jp-border-color1, #bbb)";

function element(tag, style, attributes = {}) {
  const node = document.createElement(tag);
  node.style.cssText = style;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  // Lab would take the keys that are typed here: arrows go to other cells, and `d d` deletes this one. It asks the
  // element that has the focus, whatever lies around it.
  if (FOCUSED.has(tag) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
  return node;
}

function wantsText(filter) {
  const regexp = filter.match(/^\/(.*)\/$/);
  if (!regexp) return (text) => text.toLowerCase().includes(filter.toLowerCase());
  try {
    const compiled = new RegExp(regexp[1], "i");
    return (text) => compiled.test(text);
  } catch {
    return () => true; // half-typed: shows all until it is an expression
  }
}

// Of several workers the name is always there; the colour only helps to follow one.
const COLOURS = ["#0072B2", "#D55E00", "#008A5E", "#8A6FB8", "#B8860B", "#767676"];
const colours = new Map();

function workerElement(worker) {
  if (!colours.has(worker)) colours.set(worker, COLOURS[colours.size % COLOURS.length]);
  const name = element("span", "flex:none;max-width:14em;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;" +
    `padding-left:5px;border-left:3px solid ${colours.get(worker)}`, { title: worker });
  name.textContent = worker;
  return name;
}

function lineElement(line) {
  const serious = line.severity >= 3;
  const separator = line.severity < 0;
  const row = element("div", [
    "display:flex", "gap:8px", "padding:0 6px",
    `border-left:3px solid ${serious ? "var(--jp-warn-color1, #D55E00)" : "transparent"}`,
    serious ? "font-weight:600" : "",
    separator ? "opacity:.75;border-top:" + BORDER : "",
  ].join(";"));
  row.dataset.seq = line.seq;
  const time = element("span", "opacity:.65;flex:none");
  time.textContent = line.time;
  const word = element("span", "flex:none;width:5.2em;opacity:.85");
  word.textContent = line.word;
  const text = element("span", "white-space:pre-wrap;overflow-wrap:anywhere;min-width:0");
  text.textContent = line.text;
  row.append(time, word);
  if (line.worker) row.append(workerElement(line.worker));
  row.append(text);
  return row;
}

// Where the pane lives, what a file has instead is not to be seen; it is renewed now and then, and comes back at the end.
function hidingStored(model) {
  const places = new Set();
  const hide = () => {
    for (const place of document.querySelectorAll(`[data-golem-stored="${model.get("stored")}"]`)) {
      place.style.display = "none";
      places.add(place);
    }
  };
  const observer = new MutationObserver(hide);
  observer.observe(document.body, { childList: true, subtree: true });
  hide();
  return () => {
    observer.disconnect();
    for (const place of places) place.style.display = "";
  };
}

function render({ model, el }) {
  const limit = model.get("limit");
  const view = { lines: [], cleared: 0, paused: false, level: model.get("level"), filter: model.get("filter"), last: 0,
    worker: "", drawn: 0, due: 0 };

  const box = element("div", `border:${BORDER};background:var(--jp-layout-color0, #fff);` +
    "color:var(--jp-content-font-color1, #111);font-size:var(--jp-code-font-size, 13px)");
  const bar = element("div", `display:flex;gap:10px;align-items:center;flex-wrap:wrap;padding:4px 6px;border-bottom:${BORDER};` +
    "background:var(--jp-layout-color1, #f7f7f7);font-family:var(--jp-ui-font-family, sans-serif)");
  const log = element("div", "font-family:var(--jp-code-font-family, monospace);line-height:1.45;" +
    "height:15em;min-height:4em;overflow:auto;resize:vertical", { role: "log", "aria-live": "off", tabindex: "0", "aria-label": `events of ${model.get("worker")}` });
  const field = "font:inherit;color:inherit;background:var(--jp-layout-color0, #fff);border:" + BORDER + ";padding:1px 4px";
  const title = element("b", "");
  title.textContent = model.get("worker");
  const state = element("span", "", { role: "status" });
  const level = element("select", field, { "aria-label": "least level" });
  for (const [name, value] of LEVELS) level.append(new Option(name, value, false, value === view.level));
  const filter = element("input", field + ";width:11em", { type: "search", placeholder: "text or /regexp/", "aria-label": "filter" });
  filter.value = view.filter;
  const pause = element("button", field + ";cursor:pointer", { "aria-pressed": "false" });
  pause.textContent = "Pause";
  const clear = element("button", field + ";cursor:pointer");
  clear.textContent = "Clear";
  const counter = element("span", "opacity:.75;margin-left:auto");
  const which = element("select", field + ";max-width:12em", { "aria-label": "worker" });
  which.append(new Option("all workers", ""), ...model.get("workers").map((name) => new Option(name, name)));
  bar.append(title, state, ...(model.get("workers").length ? [which] : []), level, filter, pause, clear, counter);
  box.append(bar, log);
  el.classList.add("golem-events");
  el.append(box);

  const shows = () => {
    const text = wantsText(view.filter);
    const invocations = model.get("invocations");
    return (line) => line.seq > view.cleared && (view.worker === "" || line.worker === view.worker) &&
      (line.severity < 0 ? invocations && view.filter === "" : line.severity >= view.level && text(line.text));
  };

  // Follows the end only when the end is in sight already.
  const keepingPlace = (change) => {
    const following = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
    change();
    if (following) log.scrollTop = log.scrollHeight;
  };

  const count = () => {
    const gone = Math.max(0, view.last - limit);
    counter.textContent = `${view.last} events` + (gone ? `, ${gone} scrolled away` : "");
    el.dataset.seq = view.last;
  };

  const redraw = () => {
    view.drawn = view.last;
    keepingPlace(() => log.replaceChildren(...view.lines.filter(shows()).map(lineElement)));
  };

  const add = (lines) => {
    const known = new Set(view.lines.map((line) => line.seq));
    const oldest = view.last - limit;
    const fresh = lines.filter((line) => !known.has(line.seq) && line.seq > oldest);
    if (fresh.length === 0) return;
    const inOrder = view.lines.length === 0 || fresh[0].seq > view.lines[view.lines.length - 1].seq;
    view.lines.push(...fresh);
    if (!inOrder) view.lines.sort((a, b) => a.seq - b.seq);
    view.lines.splice(0, Math.max(0, view.lines.length - limit));
    view.last = Math.max(view.last, view.lines[view.lines.length - 1].seq);
    count();
    if (!inOrder) view.drawn = 0;
    view.due ||= requestAnimationFrame(draw);
  };

  // Batches may come faster than the screen is drawn: what scrolls away in between is never made.
  const draw = () => {
    view.due = 0;
    if (view.paused) return;
    if (view.drawn < view.lines[0].seq) return redraw();
    const fresh = view.lines.filter((line) => line.seq > view.drawn);
    view.drawn = view.last;
    keepingPlace(() => {
      log.append(...fresh.filter(shows()).map(lineElement));
      const first = view.lines[0].seq;
      while (log.firstChild && Number(log.firstChild.dataset.seq) < first) log.firstChild.remove();
    });
  };

  const showState = () => {
    const reason = model.get("reason");
    state.textContent = (STATES[model.get("state")] || model.get("state")) + (reason ? `: ${reason}` : "");
    el.dataset.state = model.get("state");
  };

  which.onchange = () => { view.worker = which.value; redraw(); };
  level.onchange = () => { view.level = Number(level.value); redraw(); };
  filter.oninput = () => { view.filter = filter.value; redraw(); };
  clear.onclick = () => { view.cleared = view.last; redraw(); };
  pause.onclick = () => {
    view.paused = !view.paused;
    pause.setAttribute("aria-pressed", String(view.paused));
    pause.textContent = view.paused ? "Go on" : "Pause";
    if (!view.paused) redraw();
  };
  bar.addEventListener("keydown", (event) => event.stopPropagation());

  const onDelta = (message) => { if (message.lines) add(message.lines); };
  const onTail = () => add(model.get("tail"));
  model.on("msg:custom", onDelta);
  model.on("change:tail", onTail);
  model.on("change:state", showState);
  model.on("change:reason", showState);
  count();
  showState();
  onTail();
  const showStored = hidingStored(model);
  return () => {
    showStored();
    cancelAnimationFrame(view.due);
    model.off("msg:custom", onDelta);
    model.off("change:tail", onTail);
    model.off("change:state", showState);
    model.off("change:reason", showState);
  };
}

export default { render };
