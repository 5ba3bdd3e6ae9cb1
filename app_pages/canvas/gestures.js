// Keyboard and box selection of the canvas.

function onKey(canvas, event) {
  const chosen = canvas.network.getSelectedNodes();
  const control = event.ctrlKey || event.metaKey;
  const name = event.key.toLowerCase();
  canvas.calm();
  const act = {
    delete: () => chosen.length && canvas.send("hide", chosen),
    backspace: () => chosen.length && canvas.send("hide", chosen),
    e: () => chosen.length === 1 && canvas.send("expand", chosen),
    enter: () => chosen.length === 1 && canvas.send("expand", chosen),
    c: () => chosen.length === 1 && canvas.send("collapse", chosen),
    p: () => chosen.length && canvas.send("pin", chosen),
    f: () => canvas.fit(),
    "+": () => canvas.zoom(1.3),
    "=": () => canvas.zoom(1.3),
    "-": () => canvas.zoom(1 / 1.3),
    n: () => canvas.step(event.shiftKey ? -1 : 1),
    escape: () => canvas.pick([]),
    arrowleft: () => canvas.pan(-60, 0),
    arrowright: () => canvas.pan(60, 0),
    arrowup: () => canvas.pan(0, -60),
    arrowdown: () => canvas.pan(0, 60),
  };
  if (control && name === "z") canvas.send(event.shiftKey ? "redo" : "undo", []);
  else if (control && name === "y") canvas.send("redo", []);
  else if (control && name === "a") canvas.pick(canvas.nodes.getIds());
  else if (!control && Object.hasOwn(act, name)) act[name]();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function onBox(canvas, event, selected) {
  if (!event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  event.stopPropagation();
  canvas.stage.focus();
  const frame = canvas.host.getBoundingClientRect();
  const start = { x: event.clientX - frame.left, y: event.clientY - frame.top };
  const drawn = document.createElement("div");
  drawn.className = "box";
  canvas.host.append(drawn);
  const area = (move) => {
    const x = move.clientX - frame.left;
    const y = move.clientY - frame.top;
    return { left: Math.min(x, start.x), top: Math.min(y, start.y), right: Math.max(x, start.x),
      bottom: Math.max(y, start.y) };
  };
  const move = (each) => {
    const { left, top, right, bottom } = area(each);
    Object.assign(drawn.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`,
      height: `${bottom - top}px` });
  };
  const up = (each) => {
    removeEventListener("pointermove", move, true);
    removeEventListener("pointerup", up, true);
    drawn.remove();
    const { left, top, right, bottom } = area(each);
    const a = canvas.network.DOMtoCanvas({ x: left, y: top });
    const b = canvas.network.DOMtoCanvas({ x: right, y: bottom });
    const inside = Object.entries(canvas.network.getPositions())
      .filter(([, p]) => p.x >= a.x && p.x <= b.x && p.y >= a.y && p.y <= b.y).map(([id]) => id);
    canvas.network.selectNodes(inside, false);
    selected();
  };
  addEventListener("pointermove", move, true);
  addEventListener("pointerup", up, true);
}
