// Samples: values with remarks, the quarantined ones, corrections.
import { get, part } from "./api.js";
import { csv, download, h, number, table, unit, when } from "./dom.js";
import { enterDialog, orderDialog } from "./dialogs.js";

const kept = { vessel: null };
export const load = async (state) => {
  const found = await get("/runs/" + part(state.run) + "/samples" + (kept.vessel ? "?vessel=" + part(kept.vessel) : ""));
  return found;
};

export function build(found, state, again) {
  const heads = ["Vessel", "#Culture day", ...found.species.map((s) => "#" + s.label + " [" + unit(s.unit) + "]")];
  const cells = (r) => r.values.map((v, i) => { const remark = r.quality?.[found.species[i].name]; return h("td.n", remark ? { title: remark } : {}, number(v), remark ? h("span", { "aria-label": remark }, " *") : null); });
  const rows = [...found.rows].reverse().slice(0, 400).map((r) => h("tr", {}, h("td", {}, r.vessel), h("td.n", {}, number(r.day)), cells(r)));
  const waiting = found.quarantined.map((r) => h("tr", {}, h("td", {}, r.vessel), h("td.n", {}, number(r.day)), h("td", {}, r.reason), cells(r), h("td", {}, r.why_not || (state.mayAct && found.state !== "ended" ? h("button.small", { type: "button", onclick: () => orderDialog(state, { act: "accept", vessel: r.vessel, value: String(r.hour), title: "Take the sample of " + r.vessel + ", culture day " + number(r.day) + ", into use", words: "It was refused: " + r.reason }) }, "Accept\u2026") : "waits"))));
  const changes = found.changes.map((e) => h("tr", {}, h("td.nowrap", {}, when(e.ts)), h("td", {}, e.vessel), h("td.n", {}, number(e.day)), h("td", {}, e.event.replace(/(?!^)([A-Z])/g, " $1")), h("td", {}, e.who), h("td", {}, e.words)));
  const pick = h("label", {}, "Vessel ", h("select", { id: "vessel", onchange: (e) => { kept.vessel = e.target.value; e.target.blur(); again(); } }, h("option", { value: "" }, "all"), found.vessels.map((v) => h("option", { value: v, selected: v === kept.vessel }, v))));
  const data = () => download(state.run + "-samples.csv", csv([["vessel", "day", ...found.species.map((s) => s.name + " [" + s.unit + "]")], ...found.rows.map((r) => [r.vessel, r.day, ...r.values])]));
  return { title: "Samples", el: [h("h1", {}, "Samples"), h("div.inline", {}, pick, h("button.small", { type: "button", onclick: data }, "CSV"),
      state.mayAct && found.state !== "ended" ? h("button.small", { id: "enter", type: "button", onclick: () => enterDialog(state, found, kept.vessel || found.vessels[0]) }, "Enter values\u2026") : null),
    waiting.length ? table(["Vessel", "#Culture day", "Why it was refused", ...heads.slice(2), "Accept"], waiting, "Quarantined: " + waiting.length) : h("p.muted", {}, "No sample is quarantined."),
    changes.length ? table(["Time", "Vessel", "#Culture day", "Event", "Who", "Words on record"], changes, "Corrected, accepted, refused, missing") : null,
    table(heads, rows, found.rows.length + " samples, the latest first; * = with a remark")] };
}
