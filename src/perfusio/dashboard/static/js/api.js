// Calls of the REST interface; every refusal becomes an Error with the words of the server.
let csrf = "";

export function remember(me) { csrf = me.csrf; }

export async function call(method, path, body) {
  const headers = {};
  if (method !== "GET") { headers["Content-Type"] = "application/json"; headers["X-CSRF-Token"] = csrf; }
  let answer;
  try {
    answer = await fetch("/api/v1" + path, { method, headers, body: method === "GET" ? undefined : JSON.stringify(body ?? {}) });
  } catch {
    throw new Error(method === "GET" ? "The server does not answer." :
      "The server does not answer: it is not known whether this was ordered. Look at the record before you order it again.");
  }
  if (answer.status === 401 && !["/login", "/welcome"].includes(path)) { location.assign("/login"); }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) { throw new Error(words(found.detail) || "Refused (" + answer.status + ")."); }
  return found;
}

function words(detail) {
  if (Array.isArray(detail)) { return detail.map((d) => d.where + ": " + d.words).join("; "); }
  return detail;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const part = (text) => encodeURIComponent(text);
