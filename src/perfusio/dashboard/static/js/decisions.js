// Decisions: cards, alternatives, Pareto choice, negotiated limits.
import { get, part } from "./api.js";
import { h, number, table, unit, until, when, day } from "./dom.js";
import { cardDialog } from "./dialogs.js";

export const load = async (state) => {
  const [rig, cards] = await Promise.all([get("/runs/" + part(state.run)), get("/runs/" + part(state.run) + "/decisions?most=24")]);
  return { ...rig, cards };
};

export function build(found, state) {
  const open = found.cards.filter((c) => c.is_open), rest = found.cards.filter((c) => !c.is_open);
  return { title: "Decisions", el: [
    h("h1", {}, "Decisions"),
    h("h2", {}, open.length ? open.length + " wait for a person" : "None waits for a person"), open.map((c) => card(c, state)),
    h("h2", {}, "Latest"), rest.length ? rest.map((c) => card(c, state)) : h("p.muted", {}, "None yet."),
  ] };
}

function card(c, state) {
  const rows = c.setpoints.map((s) => h("tr" + (s.is_moved ? ".moved" : ""), {}, h("td", {}, s.label), h("td.n", {}, number(s.now)), h("td.n", {}, s.is_moved ? number(s.proposed) : "unchanged"), h("td", {}, unit(s.unit)), h("td.n", {}, number(s.low) + " to " + number(s.high)), h("td.n", {}, number(s.max_step))));
  const effects = c.effects.flatMap((e) => e.ahead.map((a, i) => h("tr", {}, h("td", {}, i ? "" : e.label + " [" + unit(e.unit) + "]"), h("td.n", {}, number(a.day)), h("td.n", {}, number(a.chosen[1]) + " (" + number(a.chosen[0]) + " to " + number(a.chosen[2]) + ")"), h("td.n", {}, number(a.unchanged[1]) + " (" + number(a.unchanged[0]) + " to " + number(a.unchanged[2]) + ")"))));
  const more = [
    table(["Expected effect", "#Culture day", "#As proposed (80 % interval)", "#Unchanged (80 % interval)"], effects, "Expected effect"),
    options(c, c.alternatives, "Alternatives that were not taken"), options(c, c.front, "Pareto choice: none of these beats another on all aims"),
    h("dl.facts", {}, fact("Tightest limit", c.limiting && c.limiting + ", kept with probability " + number(c.limiting_probability)), fact("Limits kept", c.is_feasible === null ? null : c.is_feasible ? "all, with their stated probabilities" : "not all: this is the least violation"),
      fact("Negotiated limits", c.negotiated && JSON.stringify(c.negotiated)), fact("Support", c.support === null ? null : number(c.support) + " (1 = much like the training data, 0 = nothing like it)"),
      fact("Given up for safety", number(c.margin_cost)), fact("Given up to learn", number(c.exploration)), fact("Acquisition", c.acquisition), fact("Model", c.model_id), fact("Aim", c.objectives.join("; ")))];
  return h("article.card" + (c.is_open ? ".open" : ""), { "data-key": c.key },
    h("header", {}, h("h3", {}, h("a", { href: "/runs/" + part(state.run) + "/vessel/" + part(c.vessel) }, c.vessel)), h("span.muted", {}, day(c.day) + ", " + when(c.ts)), h("span.chip" + (c.is_open ? ".advice" : ""), {}, c.is_expired ? "expired" : c.fate.status),
      c.fate.who && c.fate.who !== "perfusio" ? h("span", {}, "by " + c.fate.who) : null, c.is_open ? h("span.muted", {}, (c.is_expired ? "The next sample is due: it cannot be signed any more." : until(c.expires)) + (c.sampled ? " Last sample " + when(c.sampled) + ", model " + c.model_id + "." : "")) : null),
    h("p.reason", {}, c.reason), c.fate.words ? h("p.muted.reason", {}, c.fate.words) : null,
    table(["Setpoint", "#Now", "#Proposed", "Unit", "#Limits", "#Largest step"], rows, c.is_open ? "Proposed setpoints" : "Setpoints"),
    c.is_open ? h("div.acts", {}, ["approve", "modify", "reject"].map((act) => h("button" + (act === "approve" ? ".primary" : ""), { type: "button", disabled: !state.mayAct || c.is_expired, "data-act": act, onclick: () => cardDialog(state, c, act) }, { approve: "Approve\u2026", modify: "Modify\u2026", reject: "Reject\u2026" }[act]))) : null,
    h("details", { open: c.is_open }, h("summary", {}, "Why, and what else was weighed"), more));
}

const fact = (name, value) => value === null || value === undefined ? null : [h("dt", {}, name), h("dd", {}, value)];

function options(c, list, caption) {
  if (!list.length) { return null; }
  const names = c.setpoints.map((s) => s.name);
  return table([...c.setpoints.map((s) => "#" + s.label + " [" + unit(s.unit) + "]"), "#Gain", "#Expected", "Tightest limit", "Why not"], list.map((o) => h("tr", {}, names.map((n) => h("td.n", {}, number(o.setpoints[n]))), h("td.n", {}, number(o.gain)), h("td.n", {}, o.expected.map(number).join(", ")), h("td", {}, o.limiting + " (P = " + number(o.probability) + ")"), h("td", {}, o.why))), caption);
}
