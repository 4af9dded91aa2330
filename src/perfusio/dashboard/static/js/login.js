// Login, and the page behind a one-time link.
import { post } from "./api.js";

for (const name of ["login", "welcome"]) {
  const form = document.getElementById(name);
  if (!form) { continue; }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = Object.fromEntries(new FormData(form));
    if (name === "welcome") { asked.link = location.hash.slice(1); }
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await post("/" + name, asked);
      history.replaceState(null, "", "/" + name);
      location.assign("/");
    } catch (error) {
      form.querySelector(".refusal").textContent = error.message;
      button.disabled = false;
    }
  });
}
