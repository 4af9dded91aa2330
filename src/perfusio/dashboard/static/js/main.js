// The page: one place at a time, by its address; drawn anew when the record has grown.
import { get, part, remember } from "./api.js";
import { forgetCharts } from "./charts.js";
import { bar, connection } from "./bar.js";
import { h } from "./dom.js";
import { follow, stop } from "./stream.js";
import * as account from "./account.js";
import * as alarms from "./alarms.js";
import * as compare from "./compare.js";
import * as decisions from "./decisions.js";
import * as model from "./model.js";
import * as overnight from "./overnight.js";
import * as record from "./record.js";
import * as rig from "./rig.js";
import * as samples from "./samples.js";
import * as vessel from "./vessel.js";

const VIEWS = { "": rig, overnight, decisions, alarms, compare, samples, model, record, vessel };
const content = document.getElementById("content");
const state = { me: null, run: null, view: "", rest: "", runs: [], head: null };
let drawing = 0, due = null, hasArrived = false;

function address() {
  const [, top, run, view = "", ...rest] = location.pathname.split("/");
  return { top, run: run ? decodeURIComponent(run) : null, view, rest: rest.map(decodeURIComponent).join("/") };
}

export function go(path) {
  history.pushState(null, "", path);
  arrive(true);
}

async function arrive(isNew) {
  const { top, run, view, rest } = address();
  if (top === "account") { stop(); state.run = null; await show(account, isNew); return; }
  if (!run) {
    state.runs = await get("/runs");
    if (state.runs.length === 1) { history.replaceState(null, "", "/runs/" + part(state.runs[0].name)); return arrive(isNew); }
    stop(); state.run = null; bar(state); content.replaceChildren(list(state.runs)); return;
  }
  const isOther = run !== state.run;
  Object.assign(state, { run, view: VIEWS[view] ? view : "", rest });
  if (isOther) {
    follow(run, {
      onNews: () => { clearTimeout(due); due = setTimeout(() => show(VIEWS[state.view], false), 120); },
      onBeat: (beat) => { const isNew = state.beat && state.beat !== beat.state; state.beat = beat.state; connection(state, beat); if (isNew) { show(VIEWS[state.view], false); } }, onSilence: () => connection(state, null),
    });
  }
  await show(VIEWS[state.view], isNew);
}

async function show(view, isNew) {
  const mine = ++drawing;
  try {
    const found = await view.load(state);
    if (mine !== drawing) { return; }
    if (!isNew && content.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) { bar(state, found); return; }
    const focus = isNew ? null : document.activeElement?.id, scroll = scrollY;
    forgetCharts();
    bar(state, found);
    const built = view.build(found, state, () => show(view, false));
    content.replaceChildren(...[built.el].flat(3).filter((e) => e !== null && e !== undefined && e !== false));
    (built.draw || (() => {}))();
    content.dataset.seq = found.last_seq ?? "";
    if (isNew) { scrollTo(0, 0); if (hasArrived) { content.focus({ preventScroll: true }); } hasArrived = true; } else { scrollTo(0, scroll); if (focus) { document.getElementById(focus)?.focus({ preventScroll: true }); } }
    document.title = (built.title ? built.title + " \u2013 " : "") + "perfusio";
  } catch (error) {
    if (mine === drawing) { content.replaceChildren(h("div.card", {}, h("h1", {}, "This cannot be shown"), h("p.refusal", { role: "alert" }, error.message))); }
  }
}

function list(runs) {
  return h("section", {}, h("h1", {}, "Runs"), runs.length ? h("ul.tiles", {}, runs.map((r) =>
    h("li.tile", {}, h("header", {}, h("a", { href: "/runs/" + part(r.name) }, r.name), h("span.chip." + r.state, {}, r.state.toUpperCase())),
      h("p", {}, r.fault || r.n_vessels + " vessels, turn " + r.turn + " of " + r.n_turns), h("p.muted", {}, r.run)))) : h("p", {}, "There is no run in the folders that are served. Start one: perfusio run, or perfusio demo."));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button || link.target || link.hasAttribute("download")) { return; }
  const to = new URL(link.href);
  if (to.origin !== location.origin || !/^\/($|runs\/|account)/.test(to.pathname)) { return; }
  event.preventDefault();
  go(to.pathname);
});
addEventListener("popstate", () => arrive(true));
document.addEventListener("themechange", () => { if (state.run) { show(VIEWS[state.view], false); } });

const me = await get("/me");
remember(me);
state.me = me;
state.mayAct = me.role !== "viewer";
await arrive(true);
