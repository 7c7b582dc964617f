// Sorting and filtering of the claims dashboard. Without this script the table is complete, in the order of the studies.
(function () {
  "use strict";

  function start(table) {
    const tools = table.parentElement.previousElementSibling;
    const status = tools.querySelector(".dashboard-status");
    const order = tools.querySelector("[data-order]");
    const filters = [...tools.querySelectorAll("[data-filter]")];
    const headers = [...table.querySelectorAll("thead th[data-sort]")];
    const groups = [...table.tBodies];
    const texts = new Map(groups.map((group) => [group, group.textContent.toLowerCase()]));
    let sorted = { key: "claim", descending: false };

    function value(group, key) {
      if (key === "claim") return Number(group.dataset.place);
      const text = group.dataset[key];
      return text === "" ? null : Number(text);
    }

    function sort() {
      const sign = sorted.descending ? -1 : 1;
      const place = (group) => Number(group.dataset.place);
      const ordered = [...groups].sort((one, other) => {
        const [left, right] = [value(one, sorted.key), value(other, sorted.key)];
        if (left === null || right === null) return (left === null) - (right === null) || place(one) - place(other);
        return sign * (left - right) || place(one) - place(other);
      });
      table.append(...ordered);
      for (const header of headers) {
        if (header.dataset.sort === sorted.key) {
          header.setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
        } else {
          header.removeAttribute("aria-sort");
        }
      }
      order.value = sorted.key;
    }

    function filter() {
      const wanted = Object.fromEntries(filters.map((field) => [field.dataset.filter, field.value.trim().toLowerCase()]));
      for (const group of groups) {
        group.hidden = !(
          texts.get(group).includes(wanted.text) &&
          (!wanted.verdict || group.dataset.headline === wanted.verdict) &&
          (!wanted.source || group.dataset.source === wanted.source) &&
          (!wanted.study || group.dataset.study === wanted.study)
        );
      }
    }

    function announce() {
      const shown = groups.filter((group) => !group.hidden).length;
      const direction = sorted.descending ? "descending" : "ascending";
      status.textContent = `${shown} of ${groups.length} claims shown, ordered by ${sorted.key}, ${direction}.`;
    }

    function update() {
      filter();
      sort();
      announce();
    }

    for (const header of headers) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const key = header.dataset.sort;
        sorted = { key, descending: sorted.key === key && !sorted.descending };
        update();
      });
    }
    order.addEventListener("change", () => {
      sorted = { key: order.value, descending: false };
      update();
    });
    for (const field of filters) field.addEventListener("input", update);
    tools.hidden = false;
    update();
  }

  for (const table of document.querySelectorAll("table.dashboard")) start(table);
})();
