// What is looked at on a page beside axe. Each gives a list of what is wrong, as text.
window.looks = (() => {
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const brief = (el) => el.outerHTML.replace(/\s+/g, " ").slice(0, 160);
  const seen = (el) => el.checkVisibility({ visibilityProperty: true }) && el.getClientRects().length > 0 && !el.closest(".unseen, .skip:not(:focus)");

  // WCAG 2.5.8 excepts a target in a sentence: a link that stands in a line of a block which holds letters beside those
  // of its links.
  function inSentence(el) {
    if (el.tagName !== "A" || el.matches(".button") || !getComputedStyle(el).display.startsWith("inline")) return false;
    let block = el.parentElement;
    while (getComputedStyle(block).display === "inline") block = block.parentElement;
    const rest = block.cloneNode(true);
    rest.querySelectorAll("a").forEach((one) => one.remove());
    return /\p{L}/u.test(rest.textContent);
  }
  // A box to tick is hit by its label too.
  function hit(el) {
    const boxes = [el, ...(/^(checkbox|radio)$/.test(el.type) ? el.labels : [])].map((one) => one.getBoundingClientRect());
    const width = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
    const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    return [width, height];
  }
  // WCAG 2.2, "contrast ratio", of two colours as getComputedStyle gives them.
  function contrast(one, other) {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }
  const all = () => [...document.querySelectorAll(controls)].filter(seen);

  return {
    open: () => document.querySelectorAll("details").forEach((one) => { one.open = true; }),
    controls: () => all().length,
    sentences: () => all().filter(inSentence).length,
    small: () => all().filter((el) => !inSentence(el)).map((el) => [el, ...hit(el)])
      .filter(([, width, height]) => Math.min(width, height) < 43.95)
      .map(([el, width, height]) => `${width.toFixed(1)} x ${height.toFixed(1)}: ${brief(el)}`),
    sideways: () => document.documentElement.scrollWidth <= innerWidth ? [] : [
      `${document.documentElement.scrollWidth} px wide on ${innerWidth}`,
      ...[...document.body.querySelectorAll("*")].filter((el) => el.getBoundingClientRect().right > innerWidth + 1 && !el.closest(".scroll, .difference")).map(brief).slice(0, 3)],
    bones: () => [
      document.documentElement.lang === "en" ? "" : "no language",
      document.querySelectorAll("h1").length === 1 ? "" : `${document.querySelectorAll("h1").length} h1`,
      document.title.trim() ? "" : "no title",
      document.querySelector("main") ? "" : "no main",
      document.querySelector(".help") ? "" : "no help line",
    ].filter(Boolean),
    // Address and compressed size of the page and of each file that it loads.
    sent: () => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map((one) => [one.name.split("?")[0], one.encodedBodySize]),
    // What moves by itself.
    moving: () => [...document.querySelectorAll("*")]
      .filter((el) => { const style = getComputedStyle(el); return parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0; })
      .map(brief),
    // Of a button in colours that a person has chosen, only the edge says that it is one.
    flat: () => all().filter((el) => el.matches("button, .button, input:not([type=checkbox], [type=radio]), select"))
      .filter((el) => { const style = getComputedStyle(el); return style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1; })
      .map(brief),
    // Blocks of words for people, without what they have written themselves.
    said: () => [...document.querySelectorAll("main p, main li, main dd, .help, .banner")].filter((el) => el.checkVisibility() && !el.querySelector("p, li"))
      .map((el) => { const own = el.cloneNode(true); own.querySelectorAll("form, bdi, s, blockquote, svg, .unseen").forEach((one) => one.remove()); return own.textContent; }),
    // Of words in a picture axe cannot tell; ours stand in a rim of the colour of the page, whatever lies below them.
    faint: () => [...document.querySelectorAll(".strip text")].map((el) => [el, getComputedStyle(el)])
      .filter(([, style]) => parseFloat(style.strokeWidth) < 3 || contrast(style.fill, style.stroke) < 4.5)
      .map(([el]) => `too faint in a picture: ${brief(el)}`),
    // Of what has the focus now: whether that shows, and whether it can be seen.
    focus() {
      const el = document.activeElement;
      if (!el || el === document.body) return null;
      const style = getComputedStyle(el), box = el.getBoundingClientRect();
      const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      return { what: brief(el), wrong: [ring ? "" : "no ring", inside ? "" : "out of view"].filter(Boolean).join(", ") };
    },
    async axe() {
      const found = await axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations", "incomplete"],
      });
      // Of a single sign axe does not say whether its contrast is enough; ours have the colour of the words beside them.
      // Nor of what has been scrolled out of its box; at 1280 px the same is in view.
      const sign = (node) => /^<span aria-hidden="true">[^<]\s?<\/span>$/u.test(node.html);
      const scrolled = (node) => node.any[0]?.data?.messageKey?.startsWith("elmPartiallyObscur") && document.querySelector(node.target[0])?.closest(".scroll, .difference");
      // `faint` measures these itself.
      const picture = (node) => /^<text[ >]/.test(node.html);
      const nodes = (rule) => rule.id === "color-contrast" ? rule.nodes.filter((node) => !sign(node) && !scrolled(node) && !picture(node)) : rule.nodes;
      const told = (rule, of = rule.nodes) => `${rule.id}: ${of.map((node) => node.html.slice(0, 140)).slice(0, 4).join(" | ")}`;
      return {
        violations: found.violations.map((rule) => told(rule)),
        incomplete: found.incomplete.filter((rule) => nodes(rule).length).map((rule) => told(rule, nodes(rule))),
        rules: found.violations.length + found.incomplete.length + found.passes.length + found.inapplicable.length,
        applied: found.violations.length + found.incomplete.length + found.passes.length,
      };
    },
  };
})();
