// Sorts and filters the table of all trials.
"use strict";
(() => {
  const table = document.querySelector("table.trials");
  const form = document.querySelector("form.filters");
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const column = (key) => headings.findIndex((heading) => heading.dataset.key === key);

  const order = (cell) => cell.dataset.order ?? cell.textContent;

  function compare(a, b, numeric) {
    return numeric ? Number(a) - Number(b) : a.localeCompare(b);
  }

  function sortBy(index, direction) {
    const numeric = "numeric" in headings[index].dataset;
    const sign = direction === "ascending" ? 1 : -1;
    rows.sort((first, second) => {
      const a = order(first.cells[index]);
      const b = order(second.cells[index]);
      // Missing values are last in both directions.
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * compare(a, b, numeric);
    });
    body.append(...rows);
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    headings[index].setAttribute("aria-sort", direction);
  }

  headings.forEach((heading, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      // The best accuracy is first.
      const first = heading.dataset.key === "val_accuracy" ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      sortBy(index, now === first ? other : first);
    });
  });

  function filter() {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [...form.querySelectorAll("select")].map((one) => [column(one.name), one.value]);
    let shown = 0;
    for (const row of rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
      const fits =
        words.every((word) => text.includes(word)) &&
        wanted.every(([index, value]) => !value || row.cells[index].textContent === value);
      row.hidden = !fits;
      shown += fits;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} trials`;
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
