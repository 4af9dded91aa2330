// What changed since one last looked.
import { get, part, post } from "./api.js";
import { h, number, table, toast, unit, when, day } from "./dom.js";

const kept = { since: "" };
export const load = (state) => get("/runs/" + part(state.run) + "/overnight" + (kept.since === "" ? "" : "?since=" + kept.since));

export function build(found, state, again) {
  const cells = found.species.find((s) => s.name === found.cells);
  const rows = found.vessels.map((v) => h("tr", {}, h("td", {}, h("a", { href: "/runs/" + part(state.run) + "/vessel/" + part(v.vessel) }, v.vessel)), h("td.n", {}, String(v.n_samples)),
    h("td.n", {}, v.cells ? number(v.cells[0]) + " \u2192 " + number(v.cells[1]) : "\u2013"), h("td.n", {}, String(v.n_written)), h("td", {}, v.moves.length ? v.moves.map((m) => m.label + " " + number(m.before) + " \u2192 " + number(m.now) + " " + unit(m.unit)).join("; ") : "unchanged"),
    h("td.n", {}, v.n_alarms ? h("span.chip.p2", {}, "\u25b2 " + v.n_alarms) : "0"), h("td.n", {}, String(v.n_acts))));
  const noted = found.noted.map((e) => h("tr", {}, h("td.nowrap", {}, when(e.ts)), h("td", {}, e.vessel || "the run"), h("td.nowrap", {}, e.day === null ? "" : day(e.day)), h("td", {}, e.is_grave ? h("span.chip.p2", {}, "\u25b2 " + words(e.event)) : words(e.event)), h("td", {}, e.who), h("td", {}, e.words)));
  const look = async () => { await post("/runs/" + part(state.run) + "/seen"); toast("Noted: you have seen everything up to now."); kept.since = ""; again(); };
  return { title: "Overnight", el: [
    h("h1", {}, "What changed " + (found.at ? "since " + when(found.at) : "since the run began")),
    h("div.inline", {}, h("button.primary", { type: "button", id: "seen", onclick: look }, "I have seen this"), " ",
      h("button", { type: "button", onclick: () => { kept.since = kept.since === "" ? "0" : ""; again(); } }, kept.since === "" ? "Show the whole run" : "Since I last looked"), h("span.muted", {}, " " + found.n_new + " new records")),
    table(["Vessel", "#Samples", "#" + cells.label + " [" + unit(cells.unit) + "]", "#Writes", "Setpoints", "#Alarms", "#Acts of people"], rows, "By vessel"),
    noted.length ? table(["Time", "Vessel", "Culture day", "Event", "Who", "Words on record"], noted, found.n_noted + " events of note, the latest first") : h("p", {}, "Nothing of note has happened."),
  ] };
}

const words = (name) => name.replace(/(?!^)([A-Z])/g, " $1").toLowerCase();
