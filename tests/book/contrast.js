// Contrast of every shown text with what is painted behind it, by the formula of WCAG 2.1. Gives a line for each text
// whose contrast is too low, and marks one text of each kind (elements around it, colours, size) for a second opinion.
(mark) => {
  const drawing = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const remembered = (compute) => {
    const known = new Map();
    return (key) => {
      if (!known.has(key)) known.set(key, compute(key));
      return known.get(key);
    };
  };
  const parsed = remembered((colour) => {
    const numbers = /^rgba?\(/.test(colour) && colour.match(/[\d.]+/g).map(Number);
    if (numbers) return [...numbers.slice(0, 3), numbers[3] ?? 1];
    drawing.clearRect(0, 0, 1, 1);
    drawing.fillStyle = colour;
    drawing.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = drawing.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  });
  const style = remembered((element) => getComputedStyle(element));

  // A layer of colour c and opacity a in an element is seen as pass * a * c + bare - a * covers (each colour for itself):
  // bare is what is seen without the layer, covers what an opaque layer hides.
  const white = { pass: 1, bare: [255, 255, 255], covers: [255, 255, 255], picture: false };
  const around = remembered((element) => {
    const outer = element.parentElement ? around(element.parentElement) : white;
    const { backgroundColor, backgroundImage, opacity } = style(element);
    const [red, green, blue, alpha] = parsed(backgroundColor);
    const pass = outer.pass * opacity;
    const painted = [red, green, blue].map((value) => pass * alpha * value);
    return {
      pass,
      bare: painted.map((value, i) => outer.bare[i] + value - opacity * alpha * outer.covers[i]),
      covers: painted.map((value, i) => value + opacity * (1 - alpha) * outer.covers[i]),
      picture: backgroundImage !== "none" || (outer.picture && alpha * opacity < 1),
    };
  });
  const luminance = (colour) => {
    const linear = colour.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };

  // Texts for screen readers alone are cut to nothing.
  const cut = remembered((element) => {
    const { clip, clipPath, position, overflowX } = style(element);
    const box = element.getBoundingClientRect();
    const tiny = overflowX !== "visible" && (box.width <= 1 || box.height <= 1);
    const clipped = (position === "absolute" || position === "fixed") && /^rect\((\S+),? \S+,? \1,? /.test(clip);
    if (tiny || clipped || clipPath === "inset(50%)" || clipPath === "inset(100%)") return true;
    return element.parentElement ? cut(element.parentElement) : false;
  });
  const kind = (element) => {
    const path = [];
    for (let place = element; place && path.length < 4; place = place.parentElement) {
      path.push(`${place.tagName}.${place.className?.baseVal ?? place.className}`);
    }
    return path.join("<");
  };

  document.querySelectorAll(`[${mark}]`).forEach((element) => element.removeAttribute(mark));
  const kinds = new Set();
  const low = [];
  for (const element of document.querySelectorAll("body, body *")) {
    const text = [...element.childNodes].map((node) => (node.nodeType === 3 ? node.data.trim() : "")).join("");
    const told = text && (element.closest("pre") || !/^[^\p{L}\p{N}]$/u.test(text)); // a lone sign between words decorates
    const field = element.matches("input:not([type=hidden], [type=checkbox], [type=radio], [type=range]), select, textarea");
    if (!(told || field) || element.matches("script, style, noscript, template, option")) continue;
    if (!element.checkVisibility({ visibilityProperty: true }) || cut(element)) continue;
    if (element.closest(":disabled, [aria-disabled=true]")) continue;
    const { pass, bare, covers, picture } = around(element);
    if (picture) continue;
    const { color, fontSize, fontWeight } = style(element);
    const [red, green, blue, alpha] = parsed(color);
    const seen = [red, green, blue].map((value, i) => pass * alpha * value + bare[i] - alpha * covers[i]);
    const lights = [luminance(seen), luminance(bare)];
    const contrast = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    const points = 0.75 * parseFloat(fontSize);
    const wanted = points >= 18 || (points >= 14 && fontWeight >= 700) ? 3 : 4.5;
    const signature = [kind(element), seen, bare, fontSize, fontWeight].join();
    if (contrast < wanted) low.push(`${Math.floor(100 * contrast) / 100} of ${wanted}: ${element.outerHTML.slice(0, 160)}`);
    if (!kinds.has(signature)) element.setAttribute(mark, "");
    kinds.add(signature);
  }
  return low;
}
