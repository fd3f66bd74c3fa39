"use strict";
// Comfort only: the page says everything without it.
for (const bar of document.querySelectorAll(".filter")) bar.hidden = false;
const box = document.getElementById("filter");
const rows = [...document.querySelectorAll("#record tbody tr")];
const found = document.getElementById("found");
box?.addEventListener("input", () => {
  const wanted = box.value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) shown += 1;
  }
  found.textContent = `${shown} of ${rows.length}`;
});
const all = document.querySelectorAll("details");
document.getElementById("open-all")?.addEventListener("click", (click) => {
  const open = click.target.getAttribute("aria-pressed") !== "true";
  click.target.setAttribute("aria-pressed", String(open));
  click.target.textContent = open ? "Close all" : "Open all";
  for (const one of document.querySelectorAll("details.task")) one.open = open;
});
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target?.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();
let before = [];
addEventListener("beforeprint", () => {
  before = [...all].filter((one) => !one.open);
  for (const one of before) one.open = true;
});
addEventListener("afterprint", () => { for (const one of before) one.open = false; });
