"use strict";
// What the page can do beyond being read: sort and filter tables, and show the rows of a cell of the matrix. Without
// this script everything but those rows is there. Text from data only ever becomes text, never markup.
(() => {
  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const each = (selector, action) => document.querySelectorAll(selector).forEach(action);

  each(".controls", (controls) => { controls.hidden = false; });

  // Sorting.

  // What a cell begins with: a value comes before its interval, and before what only a screen reader reads.
  const written = (row, column) => {
    let node = row.cells[column];
    while (node.firstChild) node = node.firstChild;
    return node.textContent;
  };
  const number = (text) => parseFloat(text.replace(/[^0-9.eE+-]/g, ""));

  const compare = (one, other, numeric, direction) => {
    if (!numeric) return direction * one.localeCompare(other, undefined, { numeric: true });
    const [first, second] = [number(one), number(other)];
    // What has no number comes last, whichever way the others go.
    if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) - Number.isNaN(second);
    return direction * (first - second);
  };

  const sort = (table, header) => {
    const numeric = header.classList.contains("number");
    const before = header.getAttribute("aria-sort");
    // Large numbers and early letters first: what one looks for.
    const descending = before ? before === "ascending" : numeric;
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const column = header.cellIndex;
    const rows = [...body.rows];
    rows.sort((one, other) => compare(written(one, column), written(other, column), numeric, descending ? -1 : 1));
    body.append(...rows);
  };

  each("table.sortable", (table) => {
    for (const header of table.tHead.rows[0].cells) {
      if (header.tagName !== "TH") continue;
      const button = element("button", { type: "button", className: "sort" }, ...header.childNodes);
      button.addEventListener("click", () => sort(table, header));
      header.append(button);
    }
  });

  // Filtering.

  each("input[data-filters]", (input) => {
    const rows = [...document.getElementById(input.dataset.filters).tBodies[0].rows];
    const matches = document.querySelector(`[data-matches="${input.dataset.filters}"]`);
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const names = [...row.cells].filter((cell) => !cell.classList.contains("number"));
        row.hidden = !names.some((cell) => cell.textContent.toLowerCase().includes(wanted));
        shown += !row.hidden;
      }
      matches.textContent = wanted ? `${shown} of ${rows.length} match` : "";
    });
  });

  // The rows of a cell.

  const { labels, cells } = JSON.parse(document.getElementById("cells").textContent);
  const region = document.getElementById("cell-rows");
  let chosen = null;

  const close = () => {
    region.replaceChildren();
    chosen?.setAttribute("aria-pressed", "false");
    chosen?.focus();
    chosen = null;
  };

  const item = (row) => {
    const probabilities = row.probabilities.map(([label, share]) => `${labels[label]} ${share}`).join(", ");
    const text = element("blockquote", { dir: "auto" }, row.text);
    if (row.cut) text.append(" ", element("span", { className: "left-out" }, `… ${row.cut}`));
    return element("li", {},
      element("p", { className: "facts", dir: "auto" }, `${probabilities}. Baseline: ${row.baseline}.`),
      text,
      element("p", { className: "id" }, element("code", { dir: "auto" }, row.id)));
  };

  const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  const heading = (name, count) => {
    const [label, predicted] = name.split(",").map((place) => labels[place]);
    const texts = `${counted(count, "text")} of “${label}”`;
    return label === predicted ? `${texts}, called so; the least sure first` : `${texts} called “${predicted}”`;
  };

  const choose = (button) => {
    chosen?.setAttribute("aria-pressed", "false");
    chosen = button;
    button.setAttribute("aria-pressed", "true");
    const cell = cells[button.dataset.cell];
    if (!cell) return;
    const closing = element("button", { type: "button", className: "close" }, "Close");
    closing.addEventListener("click", close);
    const parts = [element("div", { className: "heading" }, element("h3", { dir: "auto" }, heading(button.dataset.cell, cell.count)), closing)];
    if (cell.rows.length) parts.push(element("ul", { className: "rows" }, ...cell.rows.map(item)));
    const leftOut = cell.count - cell.rows.length;
    if (leftOut) parts.push(element("p", { className: "left-out" }, `${counted(leftOut, "row")} not shown.`));
    region.replaceChildren(...parts);
    region.scrollIntoView({ block: "nearest" });
  };

  each("td[data-cell]", (place) => {
    const button = element("button", { type: "button" }, ...place.childNodes);
    button.dataset.cell = place.dataset.cell;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => (button === chosen ? close() : choose(button)));
    const row = place.closest("tr").querySelector("th").textContent;
    const table = place.closest("table");
    const column = table.classList.contains("matrix") ? table.tHead.rows[0].cells[place.cellIndex].textContent
      : place.previousElementSibling.textContent;
    button.append(element("span", { className: "quiet" }, `: ${row} called ${column}`));
    place.append(button);
  });

  region?.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  // The matrix: one stop of the Tab key, arrows from cell to cell.

  each("table.matrix", (matrix) => {
    const grid = [...matrix.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.querySelector("button")));
    const buttons = grid.flat().filter((button) => button);
    buttons.forEach((button, place) => { button.tabIndex = place ? -1 : 0; });
    const go = (button) => {
      buttons.forEach((other) => { other.tabIndex = -1; });
      button.tabIndex = 0;
      button.focus();
    };
    const along = (row, column, down, right) => {
      for (let y = row + down, x = column + right; grid[y]?.[x] !== undefined; y += down, x += right) {
        if (grid[y][x]) return grid[y][x];
      }
      return null;
    };
    matrix.addEventListener("keydown", (event) => {
      const row = grid.findIndex((line) => line.includes(document.activeElement));
      if (row < 0) return;
      const column = grid[row].indexOf(document.activeElement);
      const next = {
        ArrowUp: () => along(row, column, -1, 0),
        ArrowDown: () => along(row, column, 1, 0),
        ArrowLeft: () => along(row, column, 0, -1),
        ArrowRight: () => along(row, column, 0, 1),
        Home: () => grid[row].find((button) => button),
        End: () => grid[row].findLast((button) => button),
      }[event.key];
      if (next) {
        event.preventDefault();
        const button = next();
        if (button) go(button);
      } else if (event.key === "Escape" && chosen) {
        close();
      }
    });
    matrix.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) go(button);
    });

    // Which share the cells show and are coloured by.
    const shaded = [...matrix.querySelectorAll("td[data-heat]")].map((cell) => {
      const ofTrue = [...cell.classList].find((name) => name.startsWith("heat-"));
      return { cell, heat: { true: ofTrue, predicted: cell.dataset.heat } };
    });
    each("input[name=matrix-share]", (input) => {
      const show = () => {
        if (!input.checked) return;
        matrix.classList.toggle("share-true", input.value === "true");
        matrix.classList.toggle("share-predicted", input.value === "predicted");
        for (const { cell, heat } of shaded) {
          cell.classList.remove(heat.true, heat.predicted);
          cell.classList.add(heat[input.value]);
        }
      };
      input.addEventListener("change", show);
      // A browser that comes back to the page remembers the choice.
      show();
    });
  });
})();
