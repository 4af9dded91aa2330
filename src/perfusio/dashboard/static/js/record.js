// The record: by who, what, when; each line in full; whether it verifies.
import { get, part } from "./api.js";
import { csv, day, download, h, table, when } from "./dom.js";

const kept = { who: "", event: "", vessel: "", text: "", since: "", until: "" };
const query = (more = {}) => new URLSearchParams(Object.entries({ ...kept, ...more }).filter(([, v]) => v !== "").map(([k, v]) => [k, ["since", "until"].includes(k) ? new Date(v).toISOString() : v])).toString();
export const load = (state) => get("/runs/" + part(state.run) + "/record?" + query());

export function build(found, state, again) {
  const line = (e) => h("tr", {}, h("td.n", {}, h("button.small", { type: "button", onclick: () => full(state, e.seq) }, String(e.seq))), h("td.nowrap", {}, when(e.ts)), h("td", {}, e.event), h("td", {}, e.vessel || "the run"), h("td.nowrap", {}, e.day === null ? "" : day(e.day)), h("td", {}, e.who), h("td", {}, e.words));
  const rows = found.rows.map(line);
  const body = table(["#Number", "Time", "Event", "Vessel", "Culture day", "Who", "Words on record"], rows, found.n + " records, the latest first");
  const select = (name, label, list) => h("label", {}, label + " ", h("select", { name, id: "f-" + name }, h("option", { value: "" }, "all"), list.map((v) => h("option", { selected: kept[name] === v }, v))));
  const input = (name, label, type = "text") => h("label", {}, label + " ", h("input", { name, id: "f-" + name, type, value: kept[name] }));
  const form = h("form.inline", { onsubmit: (e) => { e.preventDefault(); Object.assign(kept, Object.fromEntries(new FormData(form))); document.activeElement.blur(); again(); } },
    input("who", "Who"), select("event", "What", found.events), select("vessel", "Vessel", found.vessels), input("text", "Words"), input("since", "From", "datetime-local"), input("until", "To", "datetime-local"), h("button", {}, "Filter"));
  const verdict = h("p", { role: "status" }, h("button", { type: "button", id: "verify", onclick: async () => { verdict.append(" checking\u2026"); const v = await get("/runs/" + part(state.run) + "/verify"); verdict.replaceChildren(h("span.chip" + (v.is_intact ? "" : ".p1"), {}, v.is_intact ? "\u2713 intact" : "\u25a0 BROKEN"), " " + v.n_records + " records, head " + (v.head || "").slice(0, 16) + "\u2026. " + (v.problems.length ? v.problems.join(" ") : "Not checked: " + v.not_checked.join(" ")) + " Key and verifier must come from elsewhere: perfusio verify."); } }, "Verify the record"));
  const more = found.has_more ? h("button", { type: "button", onclick: async (e) => { const next = await get("/runs/" + part(state.run) + "/record?" + query({ before: found.rows[found.rows.length - 1].seq })); found.rows.push(...next.rows); found.has_more = next.has_more; body.querySelector("tbody").append(...next.rows.map(line)); if (!next.has_more) { e.target.remove(); } } }, "Earlier ones") : null;
  const data = () => download(state.run + "-record.csv", csv([["number", "time", "event", "vessel", "culture day", "who", "words"], ...found.rows.map((e) => [e.seq, e.ts, e.event, e.vessel, e.day, e.who, e.words])]));
  return { title: "Record", el: [h("h1", {}, "Record"), verdict, form, body, h("p", {}, more, " ", h("button.small", { type: "button", onclick: data }, "CSV of these"))] };
}

async function full(state, seq) {
  const line = await get("/runs/" + part(state.run) + "/record/" + seq);
  const box = h("dialog", { "aria-label": "Record " + seq }, h("h2", {}, "Record " + seq + ": " + line.event), h("pre", { tabIndex: 0 }, JSON.stringify(line, null, 2)), h("div.acts", {}, h("button", { type: "button", onclick: () => box.close() }, "Close")));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}
