// Leave out for axe what it would judge a second time or not at all: rows of tables that are made like an earlier one,
// spans of highlighted code that hold nothing but coloured text (contrast is computed for all of them), and the strokes
// of formulas and pictures. What is marked stays.
// Gives the number of elements left out; restoreCondensed() brings them back.
(mark) => {
  const meant = new Set(["role", "type", "scope", "colspan", "rowspan", "tabindex", "lang", "autocomplete", "open", "class"]);
  const pointing = new Set(["for", "headers", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns"]);
  const attribute = (element, { name, value }) => {
    if (pointing.has(name)) return value.split(/\s+/).map((id) => Boolean(document.getElementById(id))).join();
    if (name === "aria-label") return `${Boolean(value.trim())}${value.includes(element.textContent.trim())}`;
    return meant.has(name) || name.startsWith("aria-") ? value : Boolean(value.trim());
  };
  const described = (element) => {
    const { color, textDecorationLine, display, visibility } = getComputedStyle(element);
    const scrolls = element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1;
    const attributes = [...element.attributes].map((entry) => `${entry.name}=${attribute(element, entry)}`).sort();
    const inside = [...element.childNodes].filter((node) => node.nodeType === 1 || node.data.trim());
    const parts = inside.map((node) => (node.nodeType === 1 ? described(node) : "text"));
    return `${element.tagName}[${attributes}][${[color, textDecorationLine, display, visibility, scrolls]}](${parts})`;
  };
  const repeated = new Set();
  const collect = (rows) => {
    const known = new Set();
    for (const row of rows) {
      const kind = described(row);
      if (known.has(kind)) repeated.add(row);
      known.add(kind);
    }
  };
  const tables = [...document.querySelectorAll("article table")];
  for (const table of tables) {
    collect(table.tBodies);
    for (const body of table.tBodies) if (!repeated.has(body)) collect(body.rows);
  }
  const before = document.getElementsByTagName("*").length;
  const sizes = tables.map((table) => table.getBoundingClientRect());
  const undo = [];
  tables.forEach((table, i) => {
    const style = table.getAttribute("style");
    table.style.minWidth = `${sizes[i].width}px`;
    table.style.height = `${sizes[i].height}px`;
    undo.push(() => (style === null ? table.removeAttribute("style") : table.setAttribute("style", style)));
  });
  const exchange = (old, fresh) => {
    old.replaceWith(fresh);
    undo.push(() => fresh.replaceWith(old));
  };
  for (const row of repeated) exchange(row, document.createComment("as before"));
  for (const span of document.querySelectorAll(`pre span:not([${mark}])`)) {
    const bare = !span.childElementCount && [...span.attributes].every(({ name }) => name === "class");
    if (bare) exchange(span, document.createTextNode(span.textContent));
  }
  for (const drawing of document.querySelectorAll("mjx-container svg > g:not(:has(a, title, text, [role], [tabindex]))")) {
    exchange(drawing, document.createComment("as before"));
  }
  // what a picture is drawn of says nothing beside its name: its parts are left out, the picture stays
  for (const picture of document.querySelectorAll("[role='img'] svg, svg[role='img'], svg[aria-hidden='true']")) {
    for (const part of picture.querySelectorAll(":scope > :is(g, path, rect, circle, line, defs, style):not(:has(a, [tabindex]))")) {
      exchange(part, document.createComment("drawn"));
    }
  }
  window.restoreCondensed = () => undo.reverse().forEach((step) => step());
  return before - document.getElementsByTagName("*").length;
}
