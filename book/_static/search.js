// The search of the book: looks the words of a question up in search-index.js, which holds the text of every section,
// word of the glossary, claim and name of the package, and lists the places, the best first.
(function () {
  "use strict";

  const COMMON = new Set(
    "a an and are as at be by can do does for from how i if in into is it its me my of on or should so than that the their then there this to use was we what when where which who why will with you your".split(" "),
  );
  const WORTH = { term: 1.6, page: 1.3, section: 1, claim: 0.7, name: 0.1 };
  const NAMES = { term: "Glossary", claim: "Claim", name: "Reference" };
  const SHOWN = 40;

  const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-_.’'][\p{L}\p{N}]+)*/gu) ?? [];
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  // the beginning that a word shares with its other forms: calibrat for calibration and calibrated
  const stem = (word) => (word.length > 5 ? word.replace(/(?:ations?|ings?|ions?|ed|es|s|e|ly)$/, "") : word.replace(/s$/, ""));

  function asked(query) {
    const all = [...new Set(wordsOf(query))];
    const meant = all.filter((word) => !COMMON.has(word));
    const words = (meant.length ? meant : all).map((word) => ({
      word,
      whole: new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`, "u"),
      start: new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word.length > 2 ? stem(word) : word)}${word.length > 2 ? "" : "(?![\\p{L}\\p{N}])"}`, "gu"),
    }));
    return { words, all, phrase: all.join(" ") };
  }

  function worth(entry, { words, all, phrase }, every) {
    const [kind, page, title, , text] = entry;
    const [heading, top, body] = [title, page, text].map((part) => part.toLowerCase());
    let points = 0;
    let found = 0;
    for (const { word, whole, start } of words) {
      const times = (body.match(start) ?? []).length;
      const inHeading = heading.search(start) >= 0;
      const here = (whole.test(heading) ? 12 : inHeading ? 8 : 0) + (top.search(start) >= 0 ? 2 : 0) + Math.min(times, 4);
      if (inHeading || times) found += 1;
      points += here;
    }
    if (every ? found < words.length : !found) return 0;
    const named = wordsOf(heading);
    if (all.length > 1) {
      points += 40 * (named.join(" ") === phrase) + 12 * named.join(" ").includes(phrase) + 8 * wordsOf(body).join(" ").includes(phrase);
    }
    points += (6 * all.filter((word) => named.includes(word)).length) / Math.max(named.length, all.length);
    // what is named just so: the word of the glossary, the id of a claim, the class or function
    const exact = heading === phrase ? 40 : kind === "name" && heading.endsWith(`.${phrase}`) ? 6 : 0;
    return exact + points * (found / words.length) * WORTH[kind];
  }

  function look(query) {
    const question = asked(query);
    if (!question.all.length) return [];
    const rank = (every) =>
      window.bookIndex
        .map((entry, place) => ({ entry, place, points: worth(entry, question, every) }))
        .filter(({ points }) => points > 0)
        .sort((one, other) => other.points - one.points || one.place - other.place);
    const strict = rank(true);
    return strict.length ? strict : rank(false);
  }

  // part of the text around the first of the words that were asked for, with all of them marked
  function excerpt(text, { words }) {
    const lower = text.toLowerCase();
    const first = Math.min(...words.map(({ start }) => lower.search(start)).filter((at) => at >= 0), lower.length);
    let begin = first === lower.length ? 0 : Math.max(0, first - 80);
    if (begin) begin = text.indexOf(" ", begin) + 1;
    const end = text.length > begin + 240 ? text.lastIndexOf(" ", begin + 240) : text.length;
    const shown = text.slice(begin, end);
    const any = new RegExp(`(${words.map(({ start }) => `${start.source}[\\p{L}\\p{N}]*`).join("|")})`, "giu");
    const line = document.createElement("p");
    line.append(begin ? "… " : "");
    shown.split(any).forEach((part, i) => {
      if (!part) return;
      const piece = i % 2 ? document.createElement("mark") : document.createTextNode("");
      piece.textContent = part;
      line.append(piece);
    });
    line.append(end < text.length ? " …" : "");
    return line;
  }

  function row([kind, page, title, address, text], question, root) {
    const [item, link, where] = ["li", "a", "span"].map((name) => document.createElement(name));
    link.href = root + address;
    link.textContent = title;
    where.className = "search-where";
    where.textContent = kind === "claim" ? `${NAMES.claim} · ${page}` : (NAMES[kind] ?? (kind === "page" ? "" : page));
    item.append(link, where, excerpt(text, question));
    return item;
  }

  const query = (new URLSearchParams(window.location.search).get("q") ?? "").trim();
  const list = document.getElementById("search-results");
  const found = look(query);
  for (const field of document.querySelectorAll("form.bd-search input")) field.value = query;
  list.replaceChildren(...found.slice(0, SHOWN).map(({ entry }) => row(entry, asked(query), list.dataset.root)));
  const number = found.length > SHOWN ? `the first ${SHOWN} of ${found.length} places` : `${found.length} ${found.length === 1 ? "place" : "places"}`;
  document.getElementById("search-status").textContent = query
    ? `${found.length ? number[0].toUpperCase() + number.slice(1) : "Nothing"} found for “${query}”.`
    : "Words, a question, the name of a method, or the id of a claim.";
  if (!query) document.querySelector(".bd-search-container input").focus();
})();
