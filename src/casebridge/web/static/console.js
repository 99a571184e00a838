// What the console does where scripts run: times in the reader's zone, and pages that keep up.
"use strict";

const clock = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = clock.format(moment);
  }
}

// A button that copies makes no sense without scripts, nor where the browser lets no page copy.
function showCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

function isBusy() {
  const active = document.activeElement;
  if (active && active.closest("main form") && active.matches("input, select, textarea")) return true;
  return document.querySelector("main details[open]") !== null;
}

let waiting = false;

async function refresh() {
  if (isBusy()) { waiting = true; return; }
  waiting = false;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) { location.reload(); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = document.querySelector("main");
  const focused = document.activeElement && document.activeElement.id;
  showLocalTimes(fresh);
  showCopyButtons(fresh);
  main.replaceChildren(...fresh.querySelector("main").childNodes);
  if (focused) document.getElementById(focused)?.focus();
}

function watch(address) {
  const source = new EventSource(address);
  let soon;
  source.addEventListener("changed", () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, 150);
  });
  document.addEventListener("focusout", () => { if (waiting) setTimeout(refresh, 300); });
  document.addEventListener("toggle", () => { if (waiting) refresh(); }, true);
  addEventListener("pagehide", () => source.close());
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; });
});

showLocalTimes(document);
showCopyButtons(document);
setInterval(() => {
  if (!document.hidden && document.querySelector("main [data-refresh]")) refresh();
}, 2000);
if (document.body.dataset.live) watch(document.body.dataset.live);
