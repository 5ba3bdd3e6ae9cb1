// The canvas draws what Python sends and reports what the user does; it decides nothing.
// Nodes and links are compared by id: a node that stands never gets coordinates again, so it cannot move.

const CROWD = 1200; // links above which none has an arrow
const views = (globalThis.ringtraceViews ??= new Map()); // zoom and centre by view, kept while the page lives

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const host = parentElement.querySelector(".canvas");
  if (!globalThis.vis) {
    // Whoever came from another page has not fetched the library with this one.
    if (!document.querySelector(`script[src="${data.library}"]`)) {
      document.head.append(Object.assign(document.createElement("script"), { src: data.library }));
    }
    const wait = setInterval(() => { if (globalThis.vis) { clearInterval(wait); draw(); } }, 30);
    host.pending = () => clearInterval(wait);
  } else draw();

  function draw() {
    if (!host.isConnected) return;
    const canvas = (host.ringtrace ??= new Canvas(host, data));
    canvas.report = { setStateValue, setTriggerValue };
    canvas.update(data);
  }
  return () => { host.pending?.(); host.ringtrace?.close(); host.ringtrace = undefined; };
}

class Canvas {
  constructor(host, data) {
    this.host = host;
    host.style.height = `${data.height}px`;
    this.stage = host.querySelector(".stage");
    this.nodes = new vis.DataSet();
    this.edges = new vis.DataSet();
    this.sent = { nodes: new Map(), edges: new Map() };
    this.network = new vis.Network(this.stage, { nodes: this.nodes, edges: this.edges }, {
      physics: false,
      layout: { improvedLayout: false },
      interaction: { hover: true, multiselect: true, tooltipDelay: 250, keyboard: false, hideEdgesOnDrag: false },
      nodes: { scaling: { label: { enabled: false, drawThreshold: 5 } }, labelHighlightBold: false },
      edges: { smooth: false, selectionWidth: 2.5, hoverWidth: 0, scaling: { label: { drawThreshold: 9 } } },
    });
    this.timeline = new Timeline(this);
    this.asked = data.selected?.nonce; // asked of a canvas that stood here before
    this.colours();
    this.listen();
    globalThis.ringtraceCanvas = this; // for tests: where things are, how often it was mounted
    globalThis.ringtraceMounts = (globalThis.ringtraceMounts ?? 0) + 1;
  }

  close() {
    this.remember();
    clearInterval(this.watch);
    this.timeline.stop();
    this.network.destroy();
    if (globalThis.ringtraceCanvas === this) delete globalThis.ringtraceCanvas;
  }

  // -- drawing ------------------------------------------------------------------------------------------------------

  update(data) {
    const first = this.nodes.length === 0;
    this.data = data;
    this.crowd(data.edges.length > CROWD);
    this.diff("edges", data.edges, true);
    this.diff("nodes", data.nodes, false);
    this.diff("edges", data.edges, false);
    this.timeline.update(data);
    this.badges = data.nodes.filter((node) => node.hidden > 0);
    this.pins = data.nodes.filter((node) => node.pinned);
    this.words(data.words);
    this.legend(data.legend);
    this.looks(data.looks);
    if (data.view !== this.view) {
      this.view = data.view;
      const before = views.get(data.view);
      if (before) this.network.moveTo({ ...before, animation: false });
      else if (data.nodes.length) this.fit();
    } else if (first && data.nodes.length) this.fit();
    this.choose(data.selected);
    if (data.order && data.order.nonce !== this.order) {
      this.order = data.order.nonce;
      if (data.order.action === "focus") this.focus(data.order.id);
    }
    this.network.redraw();
  }

  // Thousands of lines: each arrow costs as much as its line, and none is seen; while dragging, the nodes are enough.
  crowd(crowded) {
    if (crowded === this.crowded) return;
    this.crowded = crowded;
    this.network.setOptions({ interaction: { hideEdgesOnDrag: crowded, hideEdgesOnZoom: crowded } });
    if (this.edges.length) this.edges.update(this.edges.map((each) => ({ id: each.id, arrows: this.arrows })));
  }

  get arrows() {
    return { to: { enabled: !this.crowded, scaleFactor: 0.45 } };
  }

  diff(kind, wanted, removeOnly) {
    const set = this[kind];
    const sent = this.sent[kind];
    const ids = new Set(wanted.map((each) => each.id));
    const gone = [...sent.keys()].filter((id) => !ids.has(id));
    if (gone.length) { set.remove(gone); gone.forEach((id) => sent.delete(id)); }
    if (removeOnly) return;
    const added = [];
    const changed = [];
    for (const each of wanted) {
      const { x, y, ...rest } = each;
      const text = JSON.stringify(rest);
      if (!sent.has(each.id)) added.push(each);
      else if (sent.get(each.id) !== text) changed.push(rest);
      sent.set(each.id, text);
    }
    const styled = (each) => (kind === "nodes" ? this.nodeStyle(each) : this.edgeStyle(each));
    if (added.length) set.add(added.map(styled));
    if (changed.length) set.update(changed.map(styled));
  }

  nodeStyle({ hidden, pinned, colour, border, ...rest }) {
    return {
      ...rest,
      fixed: pinned,
      color: { background: colour, border, highlight: { background: colour, border: this.accent },
        hover: { background: colour, border: this.accent } },
      borderWidthSelected: 5,
      font: { color: this.text, size: rest.size > 20 ? 15 : 13, face: this.face, strokeWidth: 3,
        strokeColor: this.ground },
    };
  }

  edgeStyle({ colour, ...each }) {
    return {
      ...each,
      arrows: this.arrows,
      color: { color: colour ?? this.line, highlight: this.accent, hover: this.text, opacity: 0.75 },
      font: { color: this.text, size: 11, face: this.face, strokeWidth: 3, strokeColor: this.ground, align: "horizontal" },
    };
  }

  colours() {
    const style = getComputedStyle(this.host);
    const text = style.getPropertyValue("--st-text-color").trim() || "#222";
    if (text === this.text) return false;
    this.text = text;
    this.ground = style.getPropertyValue("--st-background-color").trim() || "#fff";
    this.accent = "#d81b60"; // a selection colour that no kind of node uses
    this.line = "#8a93a0";
    this.face = style.fontFamily;
    return true;
  }

  // -- what the user does --------------------------------------------------------------------------------------------

  listen() {
    const network = this.network;
    const selected = () => {
      this.calm();
      const { nodes, edges } = network.getSelection();
      this.selection = nodes.length ? { nodes, edges: [] } : { nodes: [], edges };
      this.report.setStateValue("selection", this.selection);
    };
    network.on("click", selected);
    network.on("doubleClick", ({ nodes }) => nodes.length === 1 && this.send("expand", nodes));
    network.on("dragEnd", ({ nodes }) => nodes.length && this.report.setStateValue("moved", network.getPositions(nodes)));
    network.on("afterDrawing", (context) => this.drawBadges(context));
    network.on("zoom", () => this.remember());
    network.on("dragEnd", () => this.remember());
    for (const event of ["pointerleave", "pointerdown"]) this.stage.addEventListener(event, () => this.quiet());
    this.host.addEventListener("keydown", (event) => onKey(this, event));
    this.stage.addEventListener("pointerdown", (event) => onBox(this, event, selected), true);
    // The theme is switched by a variable on an element far above; looking once a second is cheapest.
    this.watch = setInterval(() => { if (this.colours()) this.recolour(); }, 1000);
    const on = (name, act) => this.host.querySelector(`[data-tool=${name}]`).addEventListener("click", act);
    on("fit", () => this.fit());
    on("in", () => this.zoom(1.3));
    on("out", () => this.zoom(1 / 1.3));
    on("undo", () => this.send("undo", []));
    on("redo", () => this.send("redo", []));
    on("png", () => this.png());
    on("time", () => this.send("time", []));
    on("link", () => this.send("link", []));
    for (const choice of this.host.querySelectorAll("[data-look]")) {
      choice.addEventListener("keydown", (event) => event.stopPropagation());
      choice.addEventListener("change", () => this.send(choice.dataset.look, [choice.value]));
    }
    const search = this.host.querySelector("input");
    search.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") { this.find(search.value); selected(); }
    });
  }

  // A tooltip left behind would cover what stands there now.
  quiet() {
    const told = this.stage.querySelector(".vis-tooltip");
    if (told) told.style.visibility = "hidden";
  }

  // Back to the standing hint once the user goes on.
  calm() {
    const hint = this.host.querySelector(".hint");
    hint.textContent = this.data.words.hint;
    hint.classList.remove("told");
  }

  send(action, ids) {
    this.report.setTriggerValue("command", { action, ids });
  }

  pick(ids) {
    this.network.selectNodes(ids, false);
    this.report.setStateValue("selection", { nodes: ids, edges: [] });
  }

  // Choose what was chosen outside: a row of the table, a path.
  choose(selected) {
    if (!selected || selected.nonce === this.asked) return;
    this.asked = selected.nonce;
    const nodes = selected.nodes.filter((id) => this.nodes.get(id));
    const edges = selected.links.filter((id) => this.edges.get(id));
    this.network.setSelection({ nodes, edges }, { highlightEdges: false });
    this.report.setStateValue("selection", { nodes, edges: nodes.length ? [] : edges });
  }

  step(by) {
    const ids = this.nodes.getIds();
    if (!ids.length) return;
    const at = ids.indexOf(this.network.getSelectedNodes()[0]);
    this.pick([ids[(at + by + ids.length) % ids.length]]);
  }

  find(wanted) {
    const text = wanted.trim().toLowerCase();
    if (!text) return;
    const hits = this.nodes.get().filter((node) => `${node.label} ${node.id}`.toLowerCase().includes(text));
    if (!hits.length) return;
    this.found = ((this.found ?? -1) + 1) % hits.length;
    this.network.selectNodes([hits[this.found].id], false);
    this.focus(hits[this.found].id);
  }

  // -- the view --------------------------------------------------------------------------------------------------------

  fit() {
    this.network.fit({ animation: false, maxZoomLevel: 1.15 });
    // Room for the legend on the left and the tools above.
    this.network.moveTo({ scale: this.network.getScale() * 0.85, offset: { x: 40, y: 22 },
      position: this.network.getViewPosition(), animation: false });
    this.remember();
  }

  focus(id) {
    if (!this.nodes.get(id)) return;
    this.network.moveTo({ position: this.network.getPosition(id), animation: false });
    this.remember();
  }

  zoom(factor) {
    this.network.moveTo({ scale: this.network.getScale() * factor, animation: false });
    this.remember();
  }

  pan(x, y) {
    this.network.moveTo({ offset: { x: -x, y: -y }, position: this.network.getViewPosition(), animation: false });
    this.remember();
  }

  remember() {
    if (this.view) views.set(this.view, { scale: this.network.getScale(), position: this.network.getViewPosition() });
  }

  recolour() {
    this.nodes.update(this.data.nodes.map(({ x, y, ...rest }) => this.nodeStyle(rest)));
    this.edges.update(this.data.edges.map((each) => this.edgeStyle(each)));
  }

  drawBadges(context) {
    if (this.network.getScale() < 0.45) return;
    context.save();
    context.font = `600 11px ${this.face}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { id, hidden, size } of this.badges ?? []) {
      if (!this.nodes.get(id)) continue; // drawn between two changes of one update
      const { x, y } = this.network.getPosition(id);
      const words = `+${hidden.toLocaleString()}`;
      const width = context.measureText(words).width + 8;
      const left = x + size * 0.6;
      const top = y - size - 9;
      context.beginPath();
      context.roundRect(left, top, width, 16, 8);
      context.fillStyle = this.text;
      context.fill();
      context.fillStyle = this.ground;
      context.fillText(words, left + width / 2, top + 8.5);
    }
    for (const { id, size } of this.pins ?? []) if (this.nodes.get(id)) this.drawPin(context, this.network.getPosition(id), size);
    context.restore();
  }

  // A pin stuck into the node from the upper left.
  drawPin(context, { x, y }, size) {
    const head = { x: x - size * 0.6 - 7, y: y - size - 5 };
    context.lineWidth = 2;
    context.strokeStyle = context.fillStyle = this.text;
    context.beginPath();
    context.moveTo(head.x, head.y);
    context.lineTo(x - size * 0.45, y - size * 0.55);
    context.stroke();
    context.beginPath();
    context.arc(head.x, head.y, 5, 0, 2 * Math.PI);
    context.fill();
  }

  words(words) {
    for (const tool of this.host.querySelectorAll("[data-tool]")) {
      tool.title = words[tool.dataset.tool];
      tool.setAttribute("aria-label", words[tool.dataset.tool]);
    }
    this.host.querySelector("[data-tool=time]").textContent = words.time;
    const search = this.host.querySelector("input");
    search.placeholder = words.search;
    search.setAttribute("aria-label", words.search);
    this.stage.setAttribute("aria-label", words.stage);
    this.host.querySelector(".empty").textContent = this.data.empty;
    const hint = this.host.querySelector(".hint");
    if (this.data.message) {
      hint.textContent = this.data.message;
      hint.classList.add("told");
    } else if (!hint.textContent) hint.textContent = words.hint;
    this.host.querySelector("[data-tool=undo]").disabled = !this.data.undo;
    this.host.querySelector("[data-tool=redo]").disabled = !this.data.redo;
  }

  legend(entries) {
    const wanted = JSON.stringify(entries);
    if (wanted === this.legendShown) return;
    this.legendShown = wanted;
    this.host.querySelector(".legend").replaceChildren(...entries.map(({ label, words, mark, colour, on }) => {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.setAttribute("aria-pressed", String(on));
      const sign = document.createElement("span");
      sign.textContent = mark;
      sign.style.color = colour;
      entry.append(sign, ` ${words}`);
      entry.addEventListener("click", () => this.send("legend", [label]));
      return entry;
    }));
  }

  // What colour and size stand for, and the colours' scale from little to much.
  looks(looks) {
    const wanted = JSON.stringify(looks);
    if (wanted === this.looksShown) return;
    this.looksShown = wanted;
    for (const choice of this.host.querySelectorAll("[data-look]")) {
      const look = choice.dataset.look;
      choice.previousElementSibling.textContent = looks.words[look];
      choice.replaceChildren(...looks.options.map(([value, words]) => new Option(words, value)));
      choice.value = looks.chosen[look];
    }
    this.host.querySelector(".scale").replaceChildren(...looks.scale.flatMap(([colour, words], at) => {
      const swatch = document.createElement("i");
      swatch.style.background = colour;
      const told = document.createElement("span");
      told.textContent = words;
      if (!words) return [swatch];
      return at === 0 && looks.scale.length > 3 && !looks.scale[1][1] ? [told, swatch] : [swatch, told];
    }));
  }

  png() {
    const drawn = this.stage.querySelector("canvas");
    const copy = document.createElement("canvas");
    copy.width = drawn.width;
    copy.height = drawn.height;
    const context = copy.getContext("2d");
    context.fillStyle = this.ground;
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(drawn, 0, 0);
    const link = document.createElement("a");
    link.download = "ringtrace.png";
    link.href = copy.toDataURL("image/png");
    link.click();
  }

  // Where a node is on the page, for tests that click real coordinates.
  at(id) {
    const frame = this.stage.getBoundingClientRect();
    const { x, y } = this.network.canvasToDOM(this.network.getPosition(id));
    return { x: frame.left + x, y: frame.top + y };
  }
}
