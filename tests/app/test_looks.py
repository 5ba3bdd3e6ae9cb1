"""Every page in a real browser: WCAG AA contrast of every text, nothing over the edge, nothing asked of the web."""

from __future__ import annotations

from typing import Any

import pytest
from factories.casebook import RING
from factories.visitor import Visitor

from ringtrace.app_pages.shell import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# Each text is held against the ground that it really stands on: colours and opacities of all its ancestors laid over
# each other. Signs and marks count as graphics, for which 3 to 1 is asked; what is switched off, nothing.
FAINT = """() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (colour) => {
    const [r, g, b] = colour.map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = new Set();
  let texts = 0;
  const walk = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node; (node = walker.nextNode()); ) {
      if (node.shadowRoot) walk(node.shadowRoot);
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const at = node.parentElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
      if (!box.width || !box.height || style.visibility !== "visible") continue;
      if (at.closest("style, script, noscript, canvas, table[role=grid], [disabled], [aria-disabled=true]")) continue;
      const chain = [];
      for (let e = at; e; e = e.parentElement ?? e.getRootNode().host) chain.push(getComputedStyle(e));
      const opacity = chain.reduce((all, each) => all * +each.opacity, 1);
      if (opacity < 0.05) continue;
      texts += 1;
      const white = [255, 255, 255, 1];
      const ground = chain.reverse().reduce((under, e) => over(rgba(e.backgroundColor), under), white);
      const ink = rgba(style.color);
      const seen = over([ink[0], ink[1], ink[2], ink[3] * opacity], ground);
      const [more, less] = [light(seen), light(ground)].sort((a, b) => b - a);
      const size = parseFloat(style.fontSize), large = size >= 24 || (+style.fontWeight >= 700 && size >= 18.66);
      const sign = at.closest("[data-testid=stIconMaterial]") || !/[\\p{L}\\p{N}]/u.test(node.data);
      const ratio = (more + 0.05) / (less + 0.05);
      if (ratio < (large || sign ? 3 : 4.5)) faint.add(`${ratio.toFixed(2)}: ${node.data.trim().slice(0, 40)}`);
    }
  };
  walk(document.body);
  return { texts, faint: [...faint] };
}"""
OVER_THE_EDGE = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return main.scrollWidth - main.clientWidth;
}"""
ASKED = {"explore": f"?finding={RING}", "finding": f"?id={RING}", "entity": "?label=Patient&id=P1"}


def settled(visit: Visitor) -> list[str]:
    """The texts that stay faint: what fades in, and styles that come last, have a moment."""
    for _ in range(10):
        seen: dict[str, Any] = visit.page.evaluate(FAINT)
        assert seen["texts"] > 15
        if not seen["faint"]:
            break
        visit.page.wait_for_timeout(200)
    faint: list[str] = seen["faint"]
    return faint


def test_every_page_is_readable_in_both_themes_and_asks_nothing_of_the_web(browser: Any, address: str) -> None:
    """Each page once: every text stands out, nothing runs over the edge, nothing but this server is asked, and no
    script of the data runs.
    """
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", reduced_motion="reduce")
    visit = Visitor(context.new_page(), address)
    asked = [("" if page == PAGES[0] else page.url) + ASKED.get(page.url, "") for page in PAGES]
    for path in (*asked, "entity?label=Pharmacy&id=S2"):
        visit.page.emulate_media(color_scheme="light")
        visit.open(path)
        if path.startswith("explore"):
            visit.canvas(10)
        for theme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=theme)
            visit.page.wait_for_function(
                "theme => getComputedStyle(document.querySelector('.stApp')).colorScheme === theme", arg=theme
            )
            assert settled(visit) == [], (path, theme)
        assert visit.page.evaluate(OVER_THE_EDGE) <= 0, path
    assert visit.page.locator("img[src=x]").count() == 0
    assert (visit.left, visit.broken) == ([], [])
    context.close()
