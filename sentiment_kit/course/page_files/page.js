"use strict";
const root = document.documentElement;
const fold = document.getElementById("fold");

function isDark() {
  return root.dataset.theme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
}

function paint() {
  root.classList.toggle("dark", isDark()); // what DataTables goes by
}

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  paint();
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch (error) {
    // A browser that keeps nothing for pages from a disk: the choice lasts as long as the page.
  }
});

if (fold) {
  fold.addEventListener("click", () => {
    const blocks = [...document.querySelectorAll("details.code")];
    const open = blocks.some((block) => !block.open);
    blocks.forEach((block) => (block.open = open));
    fold.textContent = open ? fold.dataset.open : fold.dataset.closed;
  });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
paint();

// What scrolls sideways can be scrolled by the keyboard, too; what is folded away scrolls only once it is open.
const reachable = () => document.querySelectorAll("pre, table, .output_html, .output_png").forEach((part) => {
  if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
});
addEventListener("load", reachable);
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
