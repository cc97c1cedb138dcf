
"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const items = [...document.querySelectorAll("[data-v]")].map((element) => ({
    element,
    text: (element.id + " " + element.textContent).toLowerCase(),
  }));
  const groups = [...document.querySelectorAll("[data-g]")].reverse();
  const rows = [...document.querySelectorAll("#findings tbody tr")].map((row) => ({
    row,
    of: document.getElementById(row.querySelector("a").hash.slice(1)),
  }));
  const choices = ["v", "w", "t", "i"].map((id) => document.getElementById(id));
  const holds = (marks, wanted) => !wanted || (marks || "").split(" ").includes(wanted);
  const isCase = (element) => element.id.startsWith("case/");
  const cases = items.filter(({ element }) => isCase(element)).length;

  const apply = () => {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { element, text } of items) {
      const fits = choices.every((choice) => holds(element.dataset[choice.id], choice.value))
        && words.every((word) => text.includes(word));
      element.hidden = !fits;
      count += fits && isCase(element);
    }
    for (const { row, of } of rows) row.hidden = of.hidden;
    for (const group of groups) group.hidden = !group.querySelector("[data-v]:not([hidden])");
    shown.textContent = count + " of " + cases + " cases shown";
  };
  // A link leads to its place, whatever the filters hide.
  const follow = () => {
    let id;
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && document.getElementById(id);
    if (!target) return;
    if (target.closest("[hidden]")) {
      form.reset();
      apply();
    }
    // What comes into sight on the way may be higher than it was taken for.
    let frames = 12;
    const settle = () => {
      target.scrollIntoView();
      frames -= 1;
      if (frames > 0) requestAnimationFrame(settle);
    };
    settle();
  };
  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 80);
  });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  addEventListener("hashchange", follow);
  addEventListener("load", follow);
  form.hidden = false;
  apply();
})();
