// A field for Cypher that offers what can stand at the caret: labels, types, properties, keywords, own variables.
// It knows the graph only from the data that Python sends, and every word is put on the page as text.

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const host = parentElement.querySelector(".editor");
  const editor = (host.ringtrace ??= new Editor(host));
  editor.report = { setStateValue, setTriggerValue };
  editor.update(data);
  return () => { host.ringtrace?.close(); };
}

const TOKEN = /(\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|("(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?)|(:\s*[A-Za-z_]\w*(?:\|[A-Za-z_]\w*)*)|(\b\d+(?:\.\d+)?\b)|([A-Za-z_]\w*)/g;
const MOST = 60;

class Editor {
  constructor(host) {
    this.host = host;
    this.field = host.querySelector("textarea");
    this.copy = host.querySelector("pre");
    this.list = host.querySelector("ul");
    this.hint = host.querySelector(".hint");
    this.offers = [];
    this.field.addEventListener("input", (event) => { this.paint(); if (!event.isComposing) this.offer(false); });
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("scroll", () => { this.copy.scrollTop = this.field.scrollTop; this.shut(); });
    this.field.addEventListener("click", () => this.shut());
    this.field.addEventListener("blur", () => { this.shut(); this.tell(); });
    this.list.addEventListener("mousedown", (event) => {  // before blur, which would shut the list
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) this.take(+item.dataset.number);
    });
    this.sized = new ResizeObserver(() => this.fit());
    this.sized.observe(this.field);
  }

  close() { this.sized.disconnect(); this.host.ringtrace = undefined; }

  update(data) {
    this.data = data;
    this.names = data.vocabulary;
    this.keywords = new Set(this.names.keywords.flatMap((each) => each.split(" ")));
    if (data.stamp !== this.stamp) {  // another text was put in; otherwise what is being typed stands
      this.stamp = data.stamp;
      this.field.value = this.told = data.text;
      this.field.rows = Math.min(16, Math.max(8, data.text.split("\n").length + 1));
    }
    this.field.setAttribute("aria-label", data.words.label);
    this.list.setAttribute("aria-label", data.words.offers);
    this.hint.textContent = data.words.hint;
    this.paint();
  }

  tell() {
    if (this.field.value === this.told) return;
    this.told = this.field.value;
    this.report.setStateValue("text", this.told);
  }

  // -- colours ------------------------------------------------------------------------------------------------------

  paint() {
    const text = this.field.value, parts = [];
    let at = 0;
    for (const found of text.matchAll(TOKEN)) {
      const [whole, comment, quoted, name, number, word] = found;
      const kind = comment ? "comment" : quoted ? "text" : name ? "name" : number ? "number"
        : this.keywords.has(word.toUpperCase()) ? "keyword" : "";
      if (!kind) continue;
      if (found.index > at) parts.push(text.slice(at, found.index));
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = whole;
      parts.push(span);
      at = found.index + whole.length;
    }
    this.copy.replaceChildren(...parts, text.slice(at) + "\n");
    this.fit();
  }

  fit() {
    this.copy.style.height = `${this.field.offsetHeight}px`;
    this.copy.scrollTop = this.field.scrollTop;
  }

  // -- what can stand here ------------------------------------------------------------------------------------------

  offer(asked) {
    const { selectionStart: caret, selectionEnd: end, value } = this.field;
    const found = caret === end ? this.here(value.slice(0, caret), value, asked) : null;
    const typed = found?.typed.toLowerCase() ?? "";
    const fitting = (found?.names ?? []).filter(([name]) => name.toLowerCase().includes(typed));
    const starting = ([name]) => (name.toLowerCase().startsWith(typed) ? 0 : 1);
    this.offers = fitting.sort((a, b) => starting(a) - starting(b)).slice(0, MOST);
    const done = this.offers.length === 1 && this.offers[0][0].toLowerCase() === typed;
    if (!this.offers.length || done) { this.shut(); return; }
    this.typed = found.typed;
    this.draw(caret - found.typed.length);
  }

  here(left, all, asked) {
    const inside = this.inside(left);
    if (inside) return null;
    let found;
    if ((found = /(?:^|[^\w.])([A-Za-z_]\w*)\.(\w*)$/.exec(left))) {
      return { typed: found[2], names: this.properties(this.kinds(found[1], all)) };
    }
    if ((found = /[([]\s*\w*\s*:\s*([\w|]+)[^()[\]{}]*\{(?:[^{}]*,)?\s*(\w*)$/.exec(left))) {
      return { typed: found[2], names: this.properties(found[1].split("|")) };
    }
    if ((found = /\[\s*\w*\s*:\s*(?:\w+\s*\|\s*:?)*(\w*)$/.exec(left))) {
      return { typed: found[1], names: this.types(left.slice(0, found.index)) };
    }
    if ((found = /\(\s*\w*\s*:\s*(?:\w+\s*\|\s*:?)*(\w*)$/.exec(left))) {
      return { typed: found[1], names: this.labels(left.slice(0, found.index)) };
    }
    if ((found = /(?:^|[^\w.:$`])([A-Za-z_]\w*)?$/.exec(left)) && (found[1] || asked)) {
      return { typed: found[1] ?? "", names: this.words(all, found[1] ?? "") };
    }
    return null;
  }

  inside(left) {  // a text in quotes or a comment that is not closed yet
    let last = null;
    for (const found of left.matchAll(TOKEN)) last = found;
    if (!last || last.index + last[0].length < left.length) return false;
    if (last[1]) return last[0].startsWith("//") || !last[0].endsWith("*/");
    return Boolean(last[2]) && (last[0].length === 1 || !last[0].endsWith(last[0][0]));
  }

  kinds(variable, all) {  // the labels and types that a variable was given
    const named = new RegExp(`[([]\\s*${variable}\\s*:\\s*([\\w|:\\s]+?)\\s*[)\\]{*]`, "g");
    return [...all.matchAll(named)].flatMap((found) => found[1].split(/[|:\s]+/));
  }

  properties(kinds) {
    const found = new Map();
    for (const kind of kinds) {
      const known = this.names.labels[kind] ?? this.names.types[kind];
      for (const [name, words] of Object.entries(known?.properties ?? {})) found.set(name, words);
    }
    return [...found];
  }

  types(before) {  // those that can join the node to the left come first
    const back = /<-\s*$/.test(before);
    const node = /\(\s*\w*\s*:\s*(\w+)[^()]*\)\s*<?-\s*$/.exec(before)?.[1];
    const fits = ([, type]) => !node || (back ? type.targets : type.sources).includes(node);
    return this.first(Object.entries(this.names.types), fits);
  }

  labels(before) {  // those that the relationship to the left leads to come first
    const found = /\[\s*\w*\s*:\s*(\w+)[^[\]]*\]\s*-(>?)\s*$/.exec(before);
    const type = found && this.names.types[found[1]];
    const ends = type && (found[2] ? type.targets : type.sources);
    return this.first(Object.entries(this.names.labels), ([name]) => !ends || ends.includes(name));
  }

  first(entries, fits) {
    const ranked = [...entries].sort((a, b) => fits(b) - fits(a));
    return ranked.map(([name, known]) => [name, known.words]);
  }

  words(all, typed) {
    const { keywords, functions, labels, types } = this.names;
    const known = new Set([...keywords.flatMap((each) => each.split(" ")), ...Object.keys(labels), ...Object.keys(types)]);
    const variables = new Set([...all.matchAll(/[([]\s*([A-Za-z_]\w*)\s*[:)\]]/g)].map((found) => found[1]));
    const own = [...variables].filter((each) => each !== typed && !known.has(each.toUpperCase()));
    return [...own.map((each) => [each, this.kinds(each, all).join(" ")]), ...keywords.map((each) => [each, ""]),
      ...functions.map((each) => [`${each}(`, ""])];
  }

  // -- the list -----------------------------------------------------------------------------------------------------

  draw(from) {
    this.list.replaceChildren(...this.offers.map(([name, words], number) => {
      const item = document.createElement("li"), bold = document.createElement("b"), said = document.createElement("span");
      bold.textContent = name;
      said.textContent = words;
      item.append(bold, said);
      item.id = `offer-${number}`;
      item.dataset.number = number;
      item.setAttribute("role", "option");
      return item;
    }));
    this.list.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
    const place = this.place(from), room = this.host.clientWidth - this.list.offsetWidth;
    this.list.style.left = `${Math.max(0, Math.min(place.left, room))}px`;
    this.list.style.top = `${place.bottom + 3}px`;
    this.point(0);
  }

  place(offset) {  // where a letter stands, measured on the coloured copy
    const range = document.createRange(), walker = document.createTreeWalker(this.copy, NodeFilter.SHOW_TEXT);
    let node = walker.nextNode(), left = offset;
    while (node && left > node.length) { left -= node.length; node = walker.nextNode() ?? node; if (!node) break; }
    range.setStart(node, Math.min(left, node.length));
    range.setEnd(node, Math.min(left + 1, node.length));
    const spot = range.getBoundingClientRect(), frame = this.host.getBoundingClientRect();
    return { left: spot.left - frame.left, bottom: spot.bottom - frame.top };
  }

  point(number) {
    this.pointed = (number + this.offers.length) % this.offers.length;
    this.list.querySelectorAll("li").forEach((item, at) => item.setAttribute("aria-selected", String(at === this.pointed)));
    const item = this.list.children[this.pointed];
    item.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", item.id);
  }

  shut() {
    this.offers = [];
    this.list.hidden = true;
    this.list.replaceChildren();
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  take(number) {
    const [name] = this.offers[number], { selectionStart: caret } = this.field;
    this.field.focus();
    this.field.setSelectionRange(caret - this.typed.length, caret);
    // The one way that keeps the field's own undo.
    if (!document.execCommand("insertText", false, name)) this.field.setRangeText(name, caret - this.typed.length, caret, "end");
    this.paint();
    this.shut();
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.shut();
      this.tell();
      this.report.setTriggerValue("run", this.field.value);
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.offer(true);
    } else if (this.offers.length) {
      const act = { ArrowDown: () => this.point(this.pointed + 1), ArrowUp: () => this.point(this.pointed - 1),
        Enter: () => this.take(this.pointed), Tab: () => this.take(this.pointed), Escape: () => this.shut() }[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  }
}
