// Opens sections: the one that a link leads to, all of them at a button or for printing. Shows one
// group of the rows of a table, and that a table continues beyond the edge of a narrow screen.
"use strict";
(() => {
  const sections = [...document.querySelectorAll("details.section")];

  function reveal(hash) {
    const target = document.getElementById(decodeURIComponent(hash.slice(1)));
    const section = target?.closest("details.section");
    if (!section) return;
    section.open = true;
    target.scrollIntoView();
  }

  addEventListener("hashchange", () => reveal(location.hash));
  // A second click on the same link changes no hash.
  document.querySelectorAll("nav a").forEach((link) => {
    link.addEventListener("click", () => reveal(link.hash));
  });
  document.querySelectorAll("button[data-sections]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const section of sections) section.open = button.dataset.sections === "open";
    });
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const section of closed) section.open = true;
  });
  addEventListener("afterprint", () => {
    for (const section of closed) section.open = false;
  });
  document.querySelectorAll("label.choose").forEach((label) => {
    const select = label.querySelector("select");
    const groups = [...document.querySelectorAll(`[aria-labelledby="${label.dataset.table}"] tbody`)];
    label.hidden = false;
    select.addEventListener("change", () => {
      for (const group of groups) {
        const name = group.querySelector("th").textContent;
        group.hidden = select.value !== "" && select.value !== name;
      }
    });
  });

  function markHidden(place) {
    const hidden = place.scrollWidth - place.clientWidth;
    place.toggleAttribute("data-scrolls", hidden > 1);
    place.toggleAttribute("data-before", hidden > 1 && place.scrollLeft > 1);
    place.toggleAttribute("data-after", hidden - place.scrollLeft > 1);
  }

  const resized = new ResizeObserver((changes) => {
    for (const change of changes) markHidden(change.target.closest(".scroll"));
  });
  for (const place of document.querySelectorAll(".scroll")) {
    place.addEventListener("scroll", () => markHidden(place), { passive: true });
    resized.observe(place);
    resized.observe(place.querySelector("table"));
  }

  reveal(location.hash);
})();
