// One vessel: every quantity, setpoints, forecasts, earlier forecasts against what came.
import { get, part } from "./api.js";
import { figure } from "./charts.js";
import { age, alarmChip, day, h, modeChip, number, svg, table, toast, when } from "./dom.js";
import { cardDialog, noteDialog, orderDialog } from "./dialogs.js";
import { hold } from "./bar.js";

const kept = { lead: "1", unchanged: false };
export const load = (state) => get("/runs/" + part(state.run) + "/vessels/" + state.rest.split("/").map(part).join("/"));

export function build(v, state, again) {
  const figures = [], name = v.tile.vessel;
  const last = v.tile.day;
  const ends = v.charts.flatMap((c) => [...c.day, ...(c.ahead && v.state !== "ended" ? c.ahead.day : [])]).filter((d) => d !== null);
  const xRange = ends.length ? [Math.min(...ends), Math.max(...ends) + 0.3] : undefined;
  for (const c of v.charts) {
    const [n, inside] = c.calibration[kept.lead] || [0, 0];
    const held = n ? h("span.muted", {}, inside + " of " + n + " samples within the 80 % interval") : null;
    const limits = c.limits.flat().filter((x) => x !== null);
    figures.push(figure({
      ...c, dots: c, file: name + "-" + c.name, ahead: v.state === "ended" ? null : kept.unchanged ? c.unchanged : c.ahead, earlier: c.earlier[kept.lead]?.day.length ? c.earlier[kept.lead] : null,
      earlierName: "forecast " + lead(kept.lead) + " before", limits, markers: v.markers, now: last, xRange, range: limits.length || c.target !== null ? [c.target, ...c.value.slice(-1)] : [],
    }, held));
  }
  for (const s of v.setpoint_charts) {
    figures.push(figure({ ...s, file: name + "-" + s.name, steps: s, plan: s.plan, bounds: [s.low, s.high], range: [s.low, s.high], markers: v.markers, now: last, xRange, label: "Setpoint: " + s.label.toLowerCase() }, s.is_assumed ? h("span.chip", {}, "assumed") : null));
  }
  const pick = h("div.inline", {},
    h("label", {}, "Earlier forecasts, issued ", h("select", { id: "lead", onchange: (e) => { kept.lead = e.target.value; again(); e.target.blur(); } }, v.leads.map((n) => h("option", { value: String(n), selected: String(n) === kept.lead }, lead(n) + " before")))),
    h("label", {}, h("input", { type: "checkbox", id: "unchanged", checked: kept.unchanged, onchange: (e) => { kept.unchanged = e.target.checked; e.target.blur(); again(); } }), " forecast under unchanged setpoints instead of the plan"));
  return {
    title: name,
    el: [h("h1", {}, name + " ", modeChip(v.tile.mode), " ", v.tile.alarms.map((a) => [alarmChip(a), " "])),
      h("p.muted", {}, (last === null ? "No sample yet" : "Culture " + day(last)) + ", sample " + age(v.tile.age_h) + ", turn " + v.turn + " of " + v.n_turns, v.tile.said ? ". " + v.tile.mode + " by " + (v.tile.said.who || "the twin") + ": " + v.tile.said.why : ""),
      h("div.acts.inline", {}, actions(v, state)), key(v), pick,
      h("div.charts", {}, figures.map((f) => f.el)), events(v)],
    draw: () => figures.forEach((f) => f.draw()),
  };
}

const lead = (n) => n + (Number(n) === 1 ? " day" : " days");

function key(v) {
  const item = (draw, words) => h("li", {}, svg("svg", { width: 30, height: 14, "aria-hidden": "true" }, ...draw), words);
  const rect = (c) => svg("rect", { x: 0, y: 1, width: 30, height: 12, class: c, stroke: "none" }), line = (c, dash) => svg("line", { x1: 0, y1: 7, x2: 30, y2: 7, class: c, "stroke-width": 2, "stroke-dasharray": dash });
  return h("ul.key", { "aria-label": "Key" }, item([svg("circle", { cx: 15, cy: 7, r: 3, class: "mark" })], "measured"),
    v.state === "ended" ? null : item([rect("ahead"), line("ahead", "6 4")], "forecast: mean and 80 % interval"),
    item([rect("past"), line("past", "6 4")], "forecast issued " + lead(kept.lead) + " before its sample" + (kept.lead === "1" ? "" : " (the plan may have changed since)")),
    item([line("mark", "none")], "setpoint in force"), h("li", {}, "\u25b2 alarm  \u2716 write ended badly or changed by hand  \u25c6 mode  \u270e act of a person  \u25cb refit  \u25bc sample corrected or missing"));
}

function actions(v, state) {
  if (!state.mayAct || v.state === "ended") { return []; }
  const name = v.tile.vessel, out = [];
  const card = async (act) => {
    try { const [one] = await get("/runs/" + part(state.run) + "/decisions?is_open=true&vessel=" + part(name)); if (one) { cardDialog(state, one, act); } else { toast("No advice waits any more.", true); } } catch (error) { toast(error.message, true); }
  };
  if (v.tile.advice && !v.tile.advice.is_expired) {
    out.push(h("button.primary", { type: "button", onclick: () => card("approve") }, "Approve\u2026"), " ", h("button", { type: "button", onclick: () => card("modify") }, "Modify\u2026"), " ", h("button", { type: "button", onclick: () => card("reject") }, "Reject\u2026"), " ");
  }
  if (v.tile.mode === "hold") { out.push(h("button", { type: "button", onclick: () => orderDialog(state, { act: "release", vessel: name, title: "Release " + name, words: "The twin may write to it again, from its next decision on." }) }, "Release\u2026")); }
  else { out.push(h("button.stop", { type: "button", onclick: () => hold(state, name) }, "Hold")); }
  out.push(" ", h("label", {}, "Mode ", h("select", { id: "mode", onchange: (e) => { const wanted = e.target.value; e.target.value = ""; if (wanted) { orderDialog(state, { act: "mode", vessel: name, value: wanted, title: "Mode of " + name + ": " + wanted, words: { automatic: "The twin writes by itself, within its limits.", advisory: "The twin advises; a person approves.", manual: "Nothing is decided or written." }[wanted] }); } } },
    h("option", { value: "" }, "change\u2026"), ["automatic", "advisory", "manual"].filter((m) => m !== v.tile.mode).map((m) => h("option", { value: m }, m)))), " ",
  h("button", { type: "button", onclick: () => noteDialog(state, [name], name) }, "Note\u2026"));
  return out;
}

function events(v) {
  const rows = [...v.markers].reverse().slice(0, 60).map((m) => h("tr", {}, h("td.n", {}, number(m.day)), h("td.nowrap", {}, when(m.ts)), h("td", {}, m.event.replace(/(?!^)([A-Z])/g, " $1")), h("td", {}, m.who), h("td", {}, m.words)));
  return [h("h2", {}, "Events"), table(["#Culture day", "Time", "Event", "Who", "Words on record"], rows, "Latest events of " + v.tile.vessel)];
}
