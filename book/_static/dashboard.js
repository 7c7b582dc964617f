// Filters and order of the claims dashboard, kept in the address. Without this script the table is complete.
(function () {
  "use strict";

  const TOKENS = ["kind", "dataset"]; // a row may have several of these

  function start(table) {
    const tools = table.previousElementSibling;
    const status = tools.querySelector("[role=status]");
    const order = tools.querySelector("[data-order]");
    const fields = [...tools.querySelectorAll("[data-filter]")];
    const selects = fields.filter((field) => field.tagName === "SELECT");
    const headers = [...table.querySelectorAll("thead th[data-sort]")];
    const verdicts = [...tools.querySelector("[data-filter=verdict]").options].map((option) => option.value);
    const rows = [...table.tBodies].map((body) => {
      const values = { ...body.dataset };
      for (const key of TOKENS) values[key] = body.dataset[key].split(" ");
      return { body, values, text: body.textContent.toLowerCase(), place: Number(values.place) };
    });
    let descending = false;

    function fits(row, key, wanted) {
      if (!wanted) return true;
      if (key === "text") return wanted.toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
      const value = row.values[key];
      return Array.isArray(value) ? value.includes(wanted) : value === wanted;
    }

    const wanted = () => fields.map((field) => [field.dataset.filter, field.value.trim()]);

    /** Show the rows that fit, and say in every choice how many fit it together with all other choices. */
    function filter() {
      const asked = wanted();
      const counts = new Map(selects.map((select) => [select.dataset.filter, new Map()]));
      let shown = 0;
      for (const row of rows) {
        const misses = asked.filter(([key, value]) => !fits(row, key, value)).map(([key]) => key);
        row.body.hidden = misses.length > 0;
        shown += misses.length === 0;
        for (const [key, found] of counts) {
          if (misses.some((missed) => missed !== key)) continue;
          for (const value of new Set([row.values[key]].flat())) found.set(value, (found.get(value) ?? 0) + 1);
        }
      }
      for (const select of selects) {
        for (const option of select.options) {
          if (!option.value) continue;
          option.dataset.name ??= option.textContent;
          option.textContent = `${option.dataset.name} (${counts.get(select.dataset.filter).get(option.value) ?? 0})`;
        }
      }
      return shown;
    }

    function sort() {
      const key = order.value;
      const rank = (row) => (key === "claim" ? row.place : key === "verdict" ? verdicts.indexOf(row.values.verdict) : row.values[key]);
      const sign = descending ? -1 : 1;
      const sorted = [...rows].sort((one, other) => {
        const [left, right] = [rank(one), rank(other)];
        return sign * (left < right ? -1 : left > right ? 1 : 0) || one.place - other.place;
      });
      table.append(...sorted.map((row) => row.body));
      for (const header of headers) {
        if (header.dataset.sort === key) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
        else header.removeAttribute("aria-sort");
      }
    }

    function remember() {
      const query = new URLSearchParams(wanted().filter(([, value]) => value));
      if (order.value !== "claim" || descending) query.set("order", (descending ? "-" : "") + order.value);
      const text = query.toString();
      try {
        history.replaceState(null, "", location.pathname + (text ? `?${text}` : "") + location.hash);
      } catch {
        // a page without an address of its own keeps no state
      }
    }

    function recall() {
      const query = new URLSearchParams(location.search);
      for (const field of fields) {
        const value = query.get(field.dataset.filter) ?? "";
        const known = field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value);
        field.value = known ? value : "";
      }
      const asked = query.get("order") ?? "claim";
      descending = asked.startsWith("-");
      const key = asked.replace(/^-/, "");
      order.value = [...order.options].some((option) => option.value === key) ? key : "claim";
    }

    function update({ sorting = true } = {}) {
      const shown = filter();
      if (sorting) sort();
      const direction = descending ? "descending" : "ascending";
      status.textContent = `${shown} of ${rows.length} claims shown, ordered by ${order.value}, ${direction}.`;
    }

    /** A row that the address names is shown, whatever the filters say; rows above it may grow as they come in sight. */
    function showTarget(times = 4) {
      const row = rows.find(({ body }) => location.hash === `#${body.id}`);
      if (!row) return;
      if (row.body.hidden) reset();
      row.body.scrollIntoView({ behavior: "instant" });
      if (times > 1) requestAnimationFrame(() => showTarget(times - 1));
    }

    function reset() {
      for (const field of fields) field.value = "";
      update({ sorting: false });
      remember();
    }

    for (const header of headers) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        descending = order.value === header.dataset.sort && !descending;
        order.value = header.dataset.sort;
        update();
        remember();
      });
    }
    order.addEventListener("change", () => {
      descending = false;
      update();
      remember();
    });
    for (const field of fields) {
      field.addEventListener("input", () => {
        update({ sorting: false });
        remember();
      });
    }
    tools.querySelector("[data-reset]").addEventListener("click", reset);
    addEventListener("hashchange", () => showTarget());
    addEventListener("popstate", () => {
      recall();
      update();
    });
    recall();
    tools.hidden = false;
    update();
    showTarget();
  }

  for (const table of document.querySelectorAll("table.dashboard")) start(table);
})();
