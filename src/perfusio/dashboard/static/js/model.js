// The model: refits, how often forecasts held, support, parameters.
import { get, part } from "./api.js";
import { figure } from "./charts.js";
import { h, number, table, when } from "./dom.js";
import { orderDialog } from "./dialogs.js";

export const load = (state) => get("/runs/" + part(state.run) + "/model");

export function build(found, state) {
  const fits = [...found.fits].reverse().map((f) => h("tr", {}, h("td.n", {}, String(f.turn)), h("td.nowrap", {}, when(f.ts)), h("td", {}, { ModelFitted: "accepted", ModelRejected: "refused", ModelWaiting: "waits for a person" }[f.event]), h("td.n", {}, number(f.error)), h("td.n", {}, number(f.before)), h("td", {}, f.model_id), h("td", {}, f.words)));
  const covered = found.coverage.map((q) => h("tr", {}, h("td", {}, q.label), found.leads.map((n) => { const [all, inside] = q.leads[n] || [0, 0]; const share = all ? inside / all : null; const bad = all >= 10 && share < 0.6; return h("td.n", {}, all ? h(bad ? "span.chip.p3" : "span", {}, (bad ? "\u25cf " : "") + Math.round(100 * share) + " % of " + all) : "\u2013"); })));
  const support = found.support.map((s) => h("tr", {}, h("td", {}, s.vessel), h("td.n", {}, number(s.next)), h("td.n", {}, number(s.least))));
  const edge = found.parameters.map((p) => h("tr", {}, h("td", {}, p.name), h("td.n", {}, number(p.factor)), h("td", {}, p.is_at_edge ? h("span.chip.p3", {}, "\u25cf at an edge") : "")));
  const scored = found.fits.filter((f) => f.error !== null);
  const errors = scored.length ? figure({ label: "Error of refits one step ahead", unit: "1", xLabel: "turn of the loop", height: 200, many: [{ day: scored.map((f) => f.turn), value: scored.map((f) => f.error), name: "after the refit", stroke: ink() }], file: state.run + "-refits" }) : null;
  return { title: "Model", el: [h("h1", {}, "Model"), h("dl.facts", {}, h("dt", {}, "In use"), h("dd", {}, found.in_use || "none yet"), h("dt", {}, "Refits"), h("dd", {}, { auto: "used if they are as good", approve: "wait for a person", frozen: "none are made" }[found.update]), found.n_samples ? [h("dt", {}, "Learnt from"), h("dd", {}, found.n_samples + " samples of " + found.n_runs + " runs")] : null),
    found.waits && state.mayAct && found.state !== "ended" ? h("p", {}, h("button", { type: "button", onclick: () => orderDialog(state, { act: "adopt", vessel: "", title: "Take the refit into use", words: "Model " + found.waits.model_id + " waits." }) }, "Adopt the refit that waits\u2026")) : null,
    h("div.two", {}, h("section", {}, table(["Quantity", ...found.leads.map((n) => "#" + n + (n === 1 ? " day ahead" : " days ahead"))], covered, "Samples within the 80 % interval of the forecast (about 80 % is right)"), h("p.muted", {}, "Measurement noise is part of the interval. Forecasts further ahead were made under plans that may have changed since.")),
      h("section", {}, support.length ? table(["Vessel", "#Tomorrow", "#Least within the horizon"], support, "Support of the latest forecasts: 1 = much like the data, 0 = nothing like it") : null)),
    errors ? errors.el : null, fits.length ? table(["#Turn", "Time", "Refit", "#Error", "#Before", "Model", "Words on record"], fits, "Refits, the latest first") : h("p.muted", {}, "No refit yet."),
    found.stack.length ? table(["Part", "#Weight"], found.stack.map((s) => h("tr", {}, h("td", {}, s.name), h("td.n", {}, number(s.weight)))), "Weights of the stack") : null,
    edge.length ? h("details", {}, h("summary", {}, "Kinetic parameters as factors on their usual values (" + found.parameters.filter((p) => p.is_at_edge).length + " at an edge)"), table(["Parameter", "#Factor", "Edge"], edge, "Kinetic parameters")) : null], draw: () => errors?.draw() };
}

const ink = () => getComputedStyle(document.documentElement).getPropertyValue("--data").trim();
