// The bar: where one is, how the run stands, and the one button that stops all writes.
import { get, part, post } from "./api.js";
import { h, toast } from "./dom.js";
import { noteDialog, orderDialog } from "./dialogs.js";

const PLACES = [["", "Rig"], ["overnight", "Overnight"], ["decisions", "Decisions"], ["alarms", "Alarms"], ["compare", "Compare"], ["samples", "Samples"], ["model", "Model"], ["record", "Record"]];
const counts = { decisions: 0, alarms: 0, run: null, isHeld: false, state: "", vessels: [] };

export function bar(state, found) {
  if (found?.tile === undefined && found?.n_alarms !== undefined) {
    Object.assign(counts, { alarms: found.n_alarms, decisions: found.n_advice, run: state.run, isHeld: found.is_all_held, vessels: found.vessels.map((v) => v.vessel) });
  } else if (state.run && counts.run !== state.run) {
    counts.run = state.run;
    get("/runs/" + part(state.run)).then((rig) => bar(state, rig)).catch(() => {});
  }
  if (found?.state) { counts.state = found.state; }
  const base = state.run ? "/runs/" + part(state.run) : "";
  const place = document.getElementById("bar");
  const kept = document.activeElement?.closest?.("#bar") ? document.activeElement.dataset.name : null;
  place.replaceChildren(h("div.row", {},
    h("a.brand", { href: "/", "data-name": "brand" }, "perfusio"),
    state.run ? [h("span.nowrap", { title: "Run" }, state.run), chip(counts.state)] : null,
    state.run ? h("nav", { "aria-label": "Places" }, PLACES.map(([name, label]) => h("a", {
      href: base + (name ? "/" + name : ""), "data-name": "place-" + name, "aria-current": state.view === name ? "page" : undefined,
    }, label, name === "alarms" && counts.alarms ? h("span", {}, " ", h("span.count.alarm", { "aria-label": counts.alarms + " unacknowledged" }, String(counts.alarms))) : null,
      name === "decisions" && counts.decisions ? h("span", {}, " ", h("span.count", { "aria-label": counts.decisions + " wait" }, String(counts.decisions))) : null))) : null,
    h("span.push", {}),
    state.run ? h("a.button.small", { href: "/api/v1/runs/" + part(state.run) + "/samples.csv", download: state.run + ".csv", "data-name": "export", title: "All samples and setpoints as CSV" }, "Export") : null,
    state.run && state.mayAct && counts.state !== "ended" ? h("button.small", { type: "button", id: "note", "data-name": "note", onclick: () => noteDialog(state, counts.vessels) }, "Note") : null,
    state.run && state.mayAct && counts.state !== "ended" ? stopButton(state) : null,
    h("button.small", { type: "button", title: "Light or dark", "aria-label": "Light or dark", "data-name": "theme", onclick: theme }, "\u25d1"),
    state.me ? h("a.button.small", { href: "/account", "data-name": "me", title: "Your account, role " + state.me.role }, state.me.full_name) : null));
  if (kept) { place.querySelector('[data-name="' + kept + '"]')?.focus(); }
}

const chip = (state) => h("span.chip" + (state === "stale" ? ".stale" : ""), { id: "state" }, { running: "\u25cf running", stale: "\u26a0 STALE", ended: "\u25a0 ended", lost: "\u26a0 NO CONNECTION" }[state] || "\u2026");

function stopButton(state) {
  if (counts.isHeld) {
    return h("button.small", { type: "button", id: "release-all", "data-name": "stop", onclick: () => orderDialog(state, { act: "release", vessel: "", title: "Release all vessels", words: "The twin may write again, from its next decision on." }) }, "\u2016 Held: release all\u2026");
  }
  return h("button.stop.small", { type: "button", id: "stop-all", "data-name": "stop", title: "Nothing is written to any vessel from now on", onclick: () => hold(state, "") }, "Stop all writes");
}

export async function hold(state, vessel) {
  try {
    const done = await post("/runs/" + part(state.run) + "/hold", { vessel });
    toast((vessel || "All vessels") + ": held. " + done.answer);
    if (!vessel) { counts.isHeld = true; bar(state); }
  } catch (error) { toast(error.message, true); }
}

// Say at once when what is shown is not live.
export function connection(state, beat) {
  const banner = document.getElementById("banner");
  counts.state = beat ? beat.state : "lost";
  document.getElementById("state")?.replaceWith(chip(counts.state));
  document.body.classList.toggle("stale-data", counts.state === "stale" || counts.state === "lost");
  const words = !beat ? "STALE: the server of this page does not answer. What you see is old; the run goes on without the page."
    : beat.fault ? beat.fault
    : beat.state === "stale" ? "STALE: no twin runs here now. Nothing is read, decided or written until the run is resumed (perfusio resume)." : "";
  banner.hidden = !words;
  if (banner.textContent !== words) { banner.textContent = words; }
  if (beat && !beat.fault) { const all = beat.holds.some((n) => n.toLowerCase() === "hold"); if (all !== counts.isHeld) { counts.isHeld = all; bar(state); } }
}

function theme() {
  const root = document.documentElement, next = root.dataset.theme === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  localStorage.setItem("theme", next);
  document.dispatchEvent(new Event("themechange"));
}
