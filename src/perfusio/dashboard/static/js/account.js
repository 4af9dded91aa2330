// One's own account; an admin sees all users.
import { call, get, part, post } from "./api.js";
import { h, table, toast } from "./dom.js";

export const load = async (state) => {
  const [tokens, users] = await Promise.all([get("/tokens"), state.me.role === "admin" ? get("/users") : []]);
  return { tokens, users };
};

export function build(found, state, again) {
  const act = (what) => async (event) => { event.preventDefault(); const form = event.target; try { await what(Object.fromEntries(new FormData(form))); form.reset(); document.activeElement.blur(); again(); } catch (error) { toast(error.message, true); } };
  const roles = (chosen) => ["viewer", "operator", "admin"].map((r) => h("option", { selected: r === chosen }, r));

  const change = (user, body) => call("PATCH", "/users/" + part(user), body).then(() => { toast(user + " is changed."); again(); }).catch((e) => toast(e.message, true));
  return { title: "Account", el: [
    h("h1", {}, state.me.full_name), h("p", {}, "Logs in as " + state.me.user + ", role " + state.me.role + ". "), h("button", { type: "button", onclick: async () => { await post("/logout"); location.assign("/login"); } }, "Log out"),
    h("h2", {}, "Password"), h("form.inline", { onsubmit: act(async (f) => { await post("/me/password", f); location.assign("/login"); }) }, h("label", {}, "Now ", h("input", { name: "before", type: "password", required: true, autocomplete: "current-password" })), h("label", {}, "New, 10 characters or more ", h("input", { name: "after", type: "password", minlength: "10", required: true, autocomplete: "new-password" })), h("button", {}, "Change")),
    h("h2", {}, "Tokens for programs"), found.tokens.length ? table(["Label", "Of", "Role", "Expires", "State"], found.tokens.map((t) => h("tr", {}, h("td", {}, t.label), h("td", {}, t.user), h("td", {}, t.role), h("td", {}, new Date(1000 * t.expires).toLocaleDateString()), h("td", {}, t.is_revoked ? "revoked" : h("button.small", { type: "button", onclick: () => call("DELETE", "/tokens/" + part(t.id)).then(again) }, "Revoke")))), "Tokens") : h("p.muted", {}, "None."),
    h("form.inline", { onsubmit: act(async (f) => { const made = await post("/tokens", { ...f, days: Number(f.days) }); shown.replaceChildren("Copy it now, it is shown this once: ", h("code", {}, made.secret)); }) }, h("label", {}, "Label ", h("input", { name: "label", required: true, maxlength: "60" })), h("label", {}, "Role ", h("select", { name: "role" }, roles("viewer"))), h("label", {}, "Days ", h("input", { name: "days", type: "number", min: "1", max: "365", value: "90" })), h("button", {}, "Make a token")), shown,
    state.me.role === "admin" ? [h("h2", {}, "Users"), table(["Name", "Full name", "Role", "State"], found.users.map((u) => h("tr", {}, h("td", {}, u.user), h("td", {}, u.full_name), h("td", {}, h("select", { "aria-label": "Role of " + u.user, onchange: (e) => { const role = e.target.value; e.target.blur(); change(u.user, { role }); } }, roles(u.role))), h("td", {}, h("button.small", { type: "button", onclick: () => change(u.user, { is_active: !u.is_active }) }, u.is_active ? "Close" : "Reopen")))), "Users"),
      h("form.inline", { onsubmit: act(async (f) => { const made = await post("/users", f); invited.replaceChildren("Send them this link, it works once within a day: ", h("code", {}, location.origin + made.link)); }) }, h("label", {}, "Name ", h("input", { name: "user", required: true })), h("label", {}, "Role ", h("select", { name: "role" }, roles("operator"))), h("button", {}, "Invite")), invited] : null,
  ] };
}

const invited = h("p", { role: "status" }), shown = h("p", { role: "status" });
