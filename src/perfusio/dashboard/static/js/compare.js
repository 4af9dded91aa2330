// Vessels and arms side by side.
import { get, part } from "./api.js";
import { figure } from "./charts.js";
import { h, number, table, unit } from "./dom.js";

const kept = { quantity: "", by: "clone" };
export const load = (state) => get("/runs/" + part(state.run) + "/compare" + (kept.quantity ? "?quantity=" + part(kept.quantity) : ""));
const HUES = ["#33506b", "#a6611a", "#4d7a4d", "#7b4b94", "#8c2d3f", "#3b8686", "#6b6b2a", "#555555"];
const DARK = ["#9cc3e6", "#f0b26b", "#a5d6a5", "#d3a9e8", "#f09aa9", "#8fd6d6", "#d6d68a", "#cccccc"];
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

export function build(found, state, again) {
  const dark = document.documentElement.dataset.theme === "dark";
  const arms = [...new Set(found.lines.map((l) => armOf(l)))];
  const style = (i) => ({ stroke: (dark ? DARK : HUES)[i % 8], dash: DASHES[Math.floor(i / 2) % 4] });
  const many = found.lines.map((l, i) => ({ ...l, name: l.vessel + (l.arm ? " (" + l.arm + ")" : ""), steps: found.is_setpoint, ...style(arms.length > 1 ? arms.indexOf(armOf(l)) : i) }));
  const one = figure({ many, label: found.label, unit: found.unit, height: 380, file: state.run + "-" + found.quantity });
  const mean = found.label + " by arm, mean";
  const two = arms.length > 1 ? figure({ many: arms.map((a, i) => ({ ...average(found.lines.filter((l) => armOf(l) === a)), name: a || "no clone named", ...style(i) })), label: mean, unit: found.unit, height: 380, file: state.run + "-arms" }) : null;
  const rows = many.map((l) => { const vs = l.value.filter((v) => v !== null); return h("tr", {}, h("td", {}, swatch(l), " " + l.vessel), h("td", {}, l.arm || "\u2013"), h("td.n", {}, String(vs.length)), h("td.n", {}, number(vs[vs.length - 1])), h("td.n", {}, number(vs.length ? vs.reduce((a, b) => a + b, 0) / vs.length : null)), h("td.n", {}, number(vs.length ? Math.min(...vs) : null)), h("td.n", {}, number(vs.length ? Math.max(...vs) : null))); });
  const choose = h("label", {}, "Quantity ", h("select", { id: "quantity", onchange: (e) => { kept.quantity = e.target.value; e.target.blur(); again(); } },
    [["Measured", found.species], ["Setpoints", found.setpoints]].map(([name, list]) => h("optgroup", { label: name }, list.map((q) => h("option", { value: q.name, selected: q.name === found.quantity }, q.label + " [" + unit(q.unit) + "]"))))));
  const group = h("label", {}, "Arms by ", h("select", { id: "arms", onchange: (e) => { kept.by = e.target.value; e.target.blur(); again(); } }, h("option", { value: "clone", selected: kept.by === "clone" }, "clone"), h("option", { value: "vessel", selected: kept.by === "vessel" }, "vessel"), h("option", { value: "half", selected: kept.by === "half" }, "first and second half of the rig")));
  const index = new Map(found.lines.map((l, i) => [l.vessel, i]));
  function armOf(l) { return kept.by === "vessel" ? l.vessel : kept.by === "half" ? (found.lines.indexOf(l) < found.lines.length / 2 ? "first half" : "second half") : l.arm; }
  return { title: "Compare", el: [h("h1", {}, "Compare vessels and arms"), h("div.inline", {}, choose, group), h("div", {}, one.el), two ? h("div", {}, h("br"), two.el) : index.size > 1 ? h("p.muted", {}, "One arm: all vessels are of the same clone.") : null,
    table(["Vessel", "Clone", "#Values", "#Last [" + unit(found.unit) + "]", "#Mean", "#Least", "#Largest"], rows, found.label)], draw: () => { one.draw(); two?.draw(); } };
}

function average(lines) {
  const sums = new Map();
  for (const l of lines) { l.day.forEach((d, i) => { if (l.value[i] !== null) { const at = Math.round(d * 4) / 4, s = sums.get(at) || [0, 0]; sums.set(at, [s[0] + l.value[i], s[1] + 1]); } }); }
  const days = [...sums.keys()].sort((a, b) => a - b);
  return { day: days, value: days.map((d) => sums.get(d)[0] / sums.get(d)[1]) };
}

function swatch(l) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [k, v] of Object.entries({ width: 26, height: 10 })) { el.setAttribute(k, v); }
  for (const [k, v] of Object.entries({ x1: 0, y1: 5, x2: 26, y2: 5, stroke: l.stroke, "stroke-width": 2, "stroke-dasharray": l.dash.join(" ") })) { line.setAttribute(k, v); }
  el.append(line); el.setAttribute("aria-hidden", "true");
  return el;
}
