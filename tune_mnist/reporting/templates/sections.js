// Opens sections: the one that a link leads to, all of them at a button or for printing. Shows one
// group of the rows of a table.
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
    closed = sections.filter((section) => !section.open);
    for (const section of closed) section.open = true;
  });
  addEventListener("afterprint", () => {
    for (const section of closed) section.open = false;
  });
  document.querySelectorAll("label.choose").forEach((label) => {
    const select = label.querySelector("select");
    const groups = [...label.nextElementSibling.querySelectorAll("tbody")];
    label.hidden = false;
    select.addEventListener("change", () => {
      for (const group of groups) {
        const name = group.querySelector("th").textContent;
        group.hidden = select.value !== "" && select.value !== name;
      }
    });
  });

  reveal(location.hash);
})();
