// Elements and words. Text goes in as text, never as HTML.
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const el = document.createElement(name || "div");
  if (classes.length) { el.className = classes.join(" "); }
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) { continue; }
    if (key.startsWith("on")) { el.addEventListener(key.slice(2), value); }
    else if (key in el && typeof value !== "string") { el[key] = value; }
    else { el.setAttribute(key, value === true ? "" : value); }
  }
  el.append(...children.flat(3).filter((c) => c !== undefined && c !== null && c !== false));
  return el;
}

export function svg(tag, attributes = {}, ...children) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) { el.setAttribute(key, value); }
  el.append(...children);
  return el;
}

export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) { return "\u2013"; }
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 || size === 0 ? 2 : 3);
}

export const unit = (text) => text.replaceAll("1e6 cells/mL", "10\u2076 cells/mL");
export const day = (value) => value === null || value === undefined ? "" : "day " + Number(value.toFixed(2));
export const when = (ts) => ts ? new Date(ts).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "";

export function age(hours) {
  if (hours === null || hours === undefined) { return "no sample yet"; }
  if (hours < 1) { return Math.max(0, Math.round(60 * hours)) + " min ago"; }
  return hours < 48 ? hours.toFixed(1) + " h ago" : (hours / 24).toFixed(1) + " d ago";
}

export function until(ts) {
  if (!ts) { return ""; }
  const hours = (new Date(ts) - Date.now()) / 3.6e6;
  return hours < 0 ? "expired" : hours < 1 ? "for " + Math.ceil(60 * hours) + " min more" : "for " + hours.toFixed(1) + " h more";
}

const SHAPES = { 1: "\u25a0", 2: "\u25b2", 3: "\u25cf" };
const URGENCY = { 1: "now", 2: "today", 3: "next round" };
export function alarmChip(alarm) {
  const quiet = alarm.status === "active" ? "" : ".quiet";
  const kind = alarm.is_forecast ? ".forecast" : "";
  const text = SHAPES[alarm.priority] + " " + alarm.priority + " " + alarm.id.replaceAll("_", " ").replace(":", " ") +
    (alarm.is_forecast ? " (forecast)" : "") + (alarm.status === "active" ? "" : ", " + alarm.status);
  return h("span.chip.p" + alarm.priority + quiet + kind, { title: "Act " + URGENCY[alarm.priority] + ": " + alarm.cause }, text);
}

const MODES = { automatic: "AUTO", advisory: "ADVISORY", manual: "MANUAL", hold: "HOLD" };
export const modeChip = (mode) => h("span.chip." + mode, { title: "Who may write" }, (mode === "hold" ? "\u2016 " : "") + MODES[mode]);

export function toast(words, bad = false) {
  const note = h(bad ? "p.bad" : "p", {}, words);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), bad ? 12000 : 6000);
}

export function table(heads, rows, caption) {
  return h("div.scroll", { tabIndex: 0, role: "region", "aria-label": caption || "Table" }, h("table", {},
    caption ? h("caption", {}, caption) : null,
    h("thead", {}, h("tr", {}, heads.map((t) => h(t.startsWith("#") ? "th.n" : "th", { scope: "col" }, t.replace("#", ""))))),
    h("tbody", {}, rows)));
}

export function download(name, text, type = "text/csv") {
  const url = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// A cell that a spreadsheet would run as a formula gets a leading apostrophe.
export function csv(rows) {
  const cell = (v) => {
    if (v === null || v === undefined) { return ""; }
    if (typeof v === "number") { return String(v); }
    const text = /^[=+\-@\t\r]/.test(v) ? "'" + v : String(v);
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
