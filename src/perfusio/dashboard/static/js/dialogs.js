// Dialogs by which a person acts: sign, give a reason, note. Each act is an order, and its answer is shown.
import { part, post } from "./api.js";
import { h, number, toast, unit } from "./dom.js";

const MEANINGS = { approve: "I approve this change", modify: "I approve this change as I have modified it", reject: "I reject this advice" };

function dialog(title, fields, button, act) {
  const refusal = h("p.refusal", { role: "alert" });
  const form = h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), fields, refusal,
    h("div.acts", {}, h("button", { type: "button", onclick: () => box.close() }, "Cancel"), h("button.primary", { id: "act" }, button)));
  const box = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("#act");
    submit.disabled = true;
    refusal.textContent = "";
    try { if (await act(Object.fromEntries(new FormData(form)), form) !== false) { box.close(); } }
    catch (error) { refusal.textContent = error.message; }
    submit.disabled = false;
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  (form.querySelector("[data-first]") || form.querySelector("input, textarea, select"))?.focus();
  return box;
}

function tell(answer, done) {
  if (answer.status === "refused") { throw new Error("Not done. " + answer.answer); }
  const written = answer.written;
  if (written && written.event !== "SetpointsWritten") { throw new Error("The write ended with " + written.event + ": " + written.words); }
  const values = written?.acknowledged ? " The vessel has acknowledged " + Object.entries(written.acknowledged).map(([n, v]) => n.replaceAll("_", " ") + " " + number(v)).join(", ") + "." : "";
  toast(answer.status === "waiting" ? answer.answer : done + values + (answer.answer && answer.answer !== "Done." ? " " + answer.answer : ""));
}

const signature = (state, act, reason = "") => [
  h("label", {}, "Reason, on record", h("input", { name: "why", required: true, minlength: "3", maxlength: "200", value: reason })),
  h("div.fields", {},
    h("label", {}, "Signed by", h("input", { value: state.me.full_name + " (" + state.me.user + ")", readOnly: true, autocomplete: "username" })),
    h("label", {}, "Password", h("input", { name: "password", type: "password", required: true, autocomplete: "current-password", "data-first": true })),
    h("label", {}, "Meaning", h("select", { name: "meaning" }, [MEANINGS[act], "Approval", "Responsibility", "Review", "Authorship"].filter(Boolean).map((m) => h("option", {}, m))))),
];

export function orderDialog(state, { act, vessel, value = "", title, words, hours, body }) {
  const needs = !["acknowledge", "shelve", "note"].includes(act);
  const fields = [h("p", {}, words), body || null,
    hours ? h("label", {}, "For how many hours (at most 48)", h("input", { name: "hours", type: "number", min: "0.5", max: "48", step: "0.5", value: "8", required: true })) : null,
    needs ? signature(state, act) : h("label", {}, "Reason, on record", h("input", { name: "why", required: true, minlength: "3", maxlength: "200", "data-first": true }))];
  return dialog(title, fields, needs ? "Sign" : "Do it", async (given) => {
    const asked = { act, vessel, value, why: given.why, password: given.password || "", meaning: given.meaning || "", hours: Number(given.hours || 0) };
    tell(await post("/runs/" + part(state.run) + "/orders", asked), title + ": done.");
  });
}

// Approve, reject or modify the advice of a card.
export function cardDialog(state, card, act) {
  const rows = card.setpoints.map((s) => h("tr" + (s.is_moved ? ".moved" : ""), {},
    h("th", { scope: "row" }, s.label), h("td.n", {}, number(s.now)),
    h("td.n", {}, act === "modify" ? h("input", { name: "set:" + s.name, type: "number", step: "any", value: String(Number(s.proposed.toPrecision(5))), "data-asked": String(s.proposed), min: String(Math.max(s.low, s.now === null ? s.low : s.now - s.max_step)), max: String(Math.min(s.high, s.now === null ? s.high : s.now + s.max_step)), "aria-label": s.label + " in " + s.unit, size: 8, required: true }) : number(s.proposed)),
    h("td", {}, unit(s.unit)), h("td.n", {}, number(s.low) + " to " + number(s.high)), h("td.n", {}, number(s.max_step))));
  const body = h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, ["Setpoint", "Now", act === "modify" ? "Yours" : "Proposed", "Unit", "Limits", "Largest step"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows)));
  const titles = { approve: "Approve and write to ", modify: "Modify, approve and write to ", reject: "Reject the advice for " };
  const fields = [h("p.reason", {}, card.reason), act === "reject" ? null : body, signature(state, act, act === "approve" ? "As advised." : "")];
  return dialog(titles[act] + card.vessel, fields, { approve: "Sign and approve", modify: "Sign and write", reject: "Sign and reject" }[act], async (given, form) => {
    const setpoints = {};
    for (const input of form.querySelectorAll("[data-asked]")) {
      if (Number(Number(input.dataset.asked).toPrecision(5)) !== Number(input.value)) { setpoints[input.name.slice(4)] = Number(input.value); }
    }
    if (act === "modify" && !Object.keys(setpoints).length) { throw new Error("Nothing was modified: change a value, or approve the advice as it is."); }
    const asked = { act, vessel: card.vessel, value: card.key, why: given.why, password: given.password, meaning: given.meaning, setpoints };
    tell(await post("/runs/" + part(state.run) + "/orders", asked), card.vessel + ": " + (act === "reject" ? "rejected." : "approved."));
  });
}

// Enter values of a sample by hand; the twin judges them like those of a file.
export function enterDialog(state, found, chosen = "") {
  const fields = [h("p", {}, "Leave out what was not measured. Values are in the unit shown, or with another one behind them, e.g. 12 mmol/L. Values for a known time correct it."),
    h("div.fields", {},
      h("label", {}, "Vessel", h("select", { name: "vessel" }, found.vessels.map((v) => h("option", { value: v, selected: v === chosen }, v)))),
      h("label", {}, "Culture time [h]", h("input", { name: "hour", type: "number", min: "0", step: "any", required: true, "data-first": true }))),
    h("div.fields.many", {}, found.species.map((s) => h("label", {}, s.label + " [" + unit(s.unit) + "]", h("input", { name: "of:" + s.name, inputMode: "decimal", maxlength: "60", autocomplete: "off" })))),
    signature(state, "enter")];
  return dialog("Enter values by hand", fields, "Sign and enter", async (given) => {
    const measured = Object.fromEntries(Object.entries(given).filter(([n, v]) => n.startsWith("of:") && v.trim()).map(([n, v]) => [n.slice(3), v.trim()]));
    if (!Object.keys(measured).length) { throw new Error("No value was entered."); }
    const asked = { act: "enter", vessel: given.vessel, value: given.hour, why: given.why, password: given.password, meaning: given.meaning, measured };
    tell(await post("/runs/" + part(state.run) + "/orders", asked), given.vessel + ": entered.");
  });
}

export function noteDialog(state, vessels, chosen = "") {
  const fields = [h("label", {}, "About", h("select", { name: "vessel" }, h("option", { value: "" }, "the whole run"), vessels.map((v) => h("option", { value: v, selected: v === chosen }, v)))),
    h("label", {}, "Note, on record", h("input", { name: "why", required: true, minlength: "3", maxlength: "200", "data-first": true }))];
  return dialog("Note an event", fields, "Put on record", async (given) => {
    tell(await post("/runs/" + part(state.run) + "/orders", { act: "note", vessel: given.vessel, why: given.why }), "The note is on record.");
  });
}
