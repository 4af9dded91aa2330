// Alarms: cause, consequence, response; acknowledge, shelve.
import { get, part } from "./api.js";
import { alarmChip, csv, download, h, table, unit, when } from "./dom.js";
import { orderDialog } from "./dialogs.js";

export const load = async (state) => {
  const [rig, alarms] = await Promise.all([get("/runs/" + part(state.run)), get("/runs/" + part(state.run) + "/alarms")]);
  return { ...rig, list: alarms };
};

export function build(found, state) {
  const open = found.list.filter((a) => a.status !== "cleared"), over = found.list.filter((a) => a.status === "cleared");
  const line = (a) => h("tr", {}, h("td", {}, alarmChip(a)), h("td", {}, a.vessel ? h("a", { href: "/runs/" + part(state.run) + "/vessel/" + part(a.vessel) }, a.vessel) : "the run"), h("td", {}, a.since, h("br"), h("span.muted", {}, when(a.raised) + (a.times > 1 ? ", " + a.times + " times" : ""))),
    h("td.words", {}, unit(a.cause)), h("td.words", {}, unit(a.consequence)), h("td.words", {}, unit(a.response)),
    h("td", {}, a.status === "cleared" ? "over" : a.status + (a.who ? " by " + a.who : "") + (a.shelved_until ? " until " + when(a.shelved_until) : ""),
      state.mayAct && found.state !== "ended" && a.status !== "cleared" ? h("div.acts", {}, a.status === "active" ? h("button.small", { type: "button", onclick: () => act(state, a, "acknowledge") }, "Acknowledge\u2026") : null, " ", h("button.small", { type: "button", onclick: () => act(state, a, "shelve") }, "Shelve\u2026")) : null));
  const heads = ["Alarm", "Vessel", "Since", "Cause", "Consequence", "Response", "State"];
  const data = () => download(state.run + "-alarms.csv", csv([["alarm", "vessel", "status", "priority", "raised", "cause", "consequence", "response", "who"], ...found.list.map((a) => [a.id, a.vessel, a.status, a.priority, a.raised, a.cause, a.consequence, a.response, a.who])]));
  return { title: "Alarms", el: [
    h("h1", {}, "Alarms"), h("p.muted", {}, "\u25a0 1 = act now, \u25b2 2 = today, \u25cf 3 = with the next round. A dashed frame: only forecast, not measured. ", h("button.small", { type: "button", onclick: data }, "CSV")),
    open.length ? table(heads, open.map(line), open.length + " open") : h("p", {}, "No alarm is open."),
    over.length ? h("details", {}, h("summary", {}, over.length + " are over"), table(heads, over.map(line), "Over")) : null,
  ] };
}

function act(state, alarm, kind) {
  const name = (alarm.vessel || "the run") + ", " + alarm.id;
  orderDialog(state, { act: kind, vessel: alarm.vessel, value: alarm.id, hours: kind === "shelve", title: (kind === "shelve" ? "Shelve " : "Acknowledge ") + name, words: alarm.cause + " " + alarm.response });
}
