// Finds chapters in a list by what they say; without scripts the whole list stands there.
document.addEventListener("DOMContentLoaded", () => {
  const tools = document.querySelector(".chapter-tools");
  if (!tools) return;
  const input = tools.querySelector("input");
  const status = tools.querySelector("[role=status]");
  const parts = [...document.querySelectorAll(".chapter-part")];
  tools.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const part of parts) {
      let here = 0;
      for (const chapter of part.querySelectorAll("li")) {
        const text = chapter.textContent.toLowerCase();
        chapter.hidden = !words.every((word) => text.includes(word));
        here += !chapter.hidden;
      }
      part.hidden = !here;
      shown += here;
    }
    status.textContent = words.length ? `${shown} ${shown === 1 ? "chapter" : "chapters"}` : "";
  });
});
