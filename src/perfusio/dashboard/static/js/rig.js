// The rig: a tile per vessel, the most urgent first.
import { get, part } from "./api.js";
import { chart } from "./charts.js";
import { age, alarmChip, day, h, modeChip, number, unit, until } from "./dom.js";
import { cardDialog } from "./dialogs.js";
import { hold } from "./bar.js";

export const load = (state) => get("/runs/" + part(state.run));

export function build(rig, state) {
  const draws = [];
  const all = rig.vessels.map((v) => v.spark).filter((s) => s.value.length);
  const values = all.flatMap((s) => [...s.value, s.target, ...(s.ahead ? s.ahead.high : [])]).filter((v) => v !== null);
  const range = values.length ? [0, Math.max(...values)] : [0, 1];
  const about = Object.fromEntries(rig.species.map((s) => [s.name, s]));
  const tiles = rig.vessels.map((v) => tile(v, rig, state, about, range, draws));
  const cells = about[rig.cells];
  return {
    title: state.run,
    el: [h("h1", {}, "Rig: " + rig.n_vessels + " vessels"),
      h("p.muted", {}, "Turn " + rig.turn + " of " + rig.n_turns + ", aim: " + unit(rig.objective) + ". Most urgent first. Small charts: " + cells.label.toLowerCase() + " in " + unit(cells.unit) + " over culture days, one scale for all; dots measured, dashed with shade the forecast with its 80 % interval."),
      rig.alarms.length ? h("p", {}, "The run: ", rig.alarms.map((a) => [alarmChip(a), " " + a.cause + " "])) : null,
      rig.misnamed_holds.length ? h("p.refusal", {}, rig.misnamed_holds.join(", ") + " names no vessel of this run, so it holds all.") : null,
      h("ul.tiles", {}, tiles)],
    draw: () => draws.forEach((d) => d()),
  };
}

function tile(v, rig, state, about, range, draws) {
  const worst = Math.min(9, ...v.alarms.filter((a) => a.status === "active").map((a) => a.priority));
  const place = h("div.plot.spark", {});
  const label = about[rig.cells].label + " of " + v.vessel;
  draws.push(() => chart(place, { bare: true, height: 74, dots: v.spark, ahead: v.spark.ahead, target: v.spark.target, range, unit: about[rig.cells].unit, label }));
  const stale = rig.state === "stale" ? h("span.chip.stale", {}, "STALE") : null;
  return h("li.tile" + (worst <= 3 ? ".u" + worst : "") + (v.has_left ? ".left" : ""), { "data-vessel": v.vessel },
    h("header", {}, h("a", { href: "/runs/" + part(state.run) + "/vessel/" + part(v.vessel) }, v.vessel), h("span.muted", {}, v.day === null ? "" : day(v.day)), v.has_left ? h("span.chip", {}, "LEFT") : modeChip(v.mode)),
    v.alarms.length ? h("p", {}, v.alarms.slice(0, 3).map((a) => [alarmChip(a), " "]), v.alarms.length > 3 ? "and " + (v.alarms.length - 3) + " more" : "") : null,
    v.mode === "hold" && v.said ? h("p", {}, "Held by " + (v.said.who || "a file") + ": " + v.said.why) : null,
    v.is_stuck ? h("p", {}, h("span.chip.p1", {}, "\u25a0 a write ended badly: look at the vessel")) : null,
    v.is_source_failing ? h("p", {}, h("span.chip.p1", {}, "\u25a0 its source cannot be read")) : null,
    place,
    h("dl.values", {}, Object.entries(v.values).map(([n, x]) => h("div", {}, h("dt", {}, about[n].label.replace("Viable cell density", "VCD")), h("dd", {}, number(x), h("small", {}, " " + unit(about[n].unit)))))),
    h("p.muted", {}, "Sample " + age(v.age_h), " ", stale, v.is_writing ? h("span.chip", {}, "writing\u2026") : null),
    h("div.acts", {}, actions(v, state, rig.state === "ended")));
}

function actions(v, state, ended) {
  const out = [];
  if (v.advice) {
    const late = v.advice.is_expired || v.mode === "hold";
    out.push(h("button.small.chip.advice", { type: "button", disabled: late || !state.mayAct, "data-approve": v.vessel, onclick: () => openCard(state, v.vessel) }, v.mode === "hold" ? "Advice, held" : late ? "Advice expired" : state.mayAct ? "Approve\u2026 " : "Advice waits "), late ? "" : h("span.muted", {}, until(v.advice.expires)));
  }
  if (state.mayAct && !v.has_left && v.mode !== "hold" && !ended) { out.push(h("button.small", { type: "button", "data-hold": v.vessel, "aria-label": "Hold " + v.vessel, onclick: () => hold(state, v.vessel) }, "Hold")); }
  return out;
}

async function openCard(state, vessel) {
  const [card] = await get("/runs/" + part(state.run) + "/decisions?is_open=true&vessel=" + part(vessel));
  if (card) { cardDialog(state, card, "approve"); }
}
