// Keeps times true, and says so when the page is old. Everything else works without this file.
(() => {
  const root = document.documentElement;
  const all = (selector, each) => document.querySelectorAll(selector).forEach(each);
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  let failures = 0, goodAt = Date.now(), hiddenAskedAt = 0;
  root.classList.add("js");

  function span(seconds) {
    const parts = [];
    for (const [name, size] of units) {
      const count = Math.floor(seconds / size);
      if (count) { parts.push(`${count} ${name}${count > 1 ? "s" : ""}`); seconds -= count * size; }
      else if (parts.length) break;
      if (parts.length === 2 || (parts.length && count >= 10)) break;
    }
    return parts.join(" ") || "less than a second";
  }
  function tick() {
    all("[data-age]", (el) => { el.textContent = span(Math.max(0, Math.floor((Date.now() - new Date(el.dataset.age)) / 1000))); });
    const poll = document.querySelector("[hx-trigger]");
    // Two lost answers, or 20 s without one; a page that asks every 30 s is given that long.
    const every = poll ? parseFloat(poll.getAttribute("hx-trigger").split("every ")[1]) * 1000 : 0;
    const silent = Date.now() - goodAt > Math.max(20000, every + 10000);
    root.classList.toggle("is-stale", Boolean(poll) && !document.hidden && (failures > 1 || silent));
  }
  function localTimes() {
    if (!new Date().getTimezoneOffset()) return;
    all("time[data-local]", (el) => {
      delete el.dataset.local;
      const mine = new Date(el.dateTime).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
      el.append(` (${mine} your time)`);
    });
  }
  function checked(iso) {
    all("[data-checked] time", (el) => { el.dateTime = iso; el.dataset.local = ""; el.textContent = iso.slice(11, 19) + " UTC"; });
    all(".checked [data-age]", (el) => { el.dataset.age = iso; });
  }
  const refresh = () => all("[hx-trigger]", (el) => window.htmx.trigger(el, "refresh"));

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!document.hidden) return;
    if (Date.now() - hiddenAskedAt < 60000) event.preventDefault(); else hiddenAskedAt = Date.now();
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.xhr.status === 401) { root.classList.add("is-signed-out"); all("[hx-get]", (el) => window.htmx.remove(el)); return; }
    if (!detail.successful) { failures += 1; return; }
    failures = 0; goodAt = Date.now();
    const iso = detail.xhr.getResponseHeader("Handrail-Checked-At");
    if (iso) checked(iso);
    localTimes(); tick();
  });
  // What somebody has unfolded stays so when its block is replaced.
  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", () => { unfolded = [...document.querySelectorAll("details[open][id]")].map((el) => el.id); });
  document.addEventListener("htmx:afterSwap", () => {
    unfolded.forEach((id) => { const el = document.getElementById(id); if (el) el.open = true; });
    localTimes(); tick();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { goodAt = Date.now(); refresh(); } });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
  document.querySelector(".problem")?.focus();
  localTimes(); tick(); setInterval(tick, 1000);
})();
