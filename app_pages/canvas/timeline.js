// The timeline of the canvas: links show only while they are used within the window; playing moves the window on.

class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.bar = canvas.host.querySelector(".timeline");
    this.play = this.bar.querySelector("[data-tool=play]");
    this.moment = this.bar.querySelector("input[type=range]");
    this.span = this.bar.querySelector("select");
    this.shown = this.bar.querySelector("output");
    this.play.addEventListener("click", () => (this.timer ? this.stop() : this.start()));
    this.moment.addEventListener("input", () => this.draw());
    this.span.addEventListener("change", () => this.draw());
    for (const part of [this.moment, this.span]) part.addEventListener("keydown", (event) => event.stopPropagation());
  }

  // `data.times`: link id -> sorted seconds of its uses, or null while the timeline is off.
  update({ times, words }) {
    this.bar.hidden = !times;
    this.moment.setAttribute("aria-label", words.moment);
    this.span.setAttribute("aria-label", words.span);
    if (this.spans !== words.spans) {
      this.spans = words.spans;
      const lengths = [600, 3600, 86400, 604800, 2592000];
      this.span.replaceChildren(...words.spans.split("|").map((name, at) => new Option(name, lengths[at])));
      this.span.value = 86400;
    }
    const before = this.times;
    this.times = times;
    if (!times) {
      this.stop();
      if (before) this.show(() => true);
      return;
    }
    // The moments worth a stop: where uses of several links fall together, else every use.
    this.stops = [...new Set(Object.values(times).flat())].sort((a, b) => a - b);
    this.moment.max = Math.max(0, this.stops.length - 1);
    if (!before) this.moment.value = this.busiest();
    this.draw();
  }

  // Where to open: the end of the window in which most links were used; the last moment of all shows hardly any.
  busiest() {
    const span = Number(this.span.value);
    const uses = Object.entries(this.times).flatMap(([id, times]) => times.map((time) => [time, id]));
    uses.sort((a, b) => a[0] - b[0]);
    const within = new Map(); // link id -> uses in the window
    let first = 0, most = 0, best = 0;
    for (const [time, id] of uses) {
      within.set(id, (within.get(id) ?? 0) + 1);
      for (; uses[first][0] <= time - span; first += 1) {
        const left = within.get(uses[first][1]) - 1;
        if (left) within.set(uses[first][1], left); else within.delete(uses[first][1]);
      }
      if (within.size > most) [most, best] = [within.size, time];
    }
    return Math.max(0, this.stops.indexOf(best));
  }

  draw() {
    if (!this.times || !this.stops.length) return;
    const end = this.stops[Number(this.moment.value)] ?? this.stops.at(-1);
    const begin = end - Number(this.span.value);
    this.show((id) => (this.times[id] ?? []).some((time) => time > begin && time <= end));
    const format = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
    this.shown.textContent = `${format(begin)} – ${format(end)}`;
  }

  show(used) {
    const edges = this.canvas.edges;
    const changed = [];
    for (const edge of edges.get({ fields: ["id", "hidden"] })) {
      const hidden = !used(edge.id);
      if (Boolean(edge.hidden) !== hidden) changed.push({ id: edge.id, hidden });
    }
    if (changed.length) edges.update(changed);
  }

  start() {
    if (Number(this.moment.value) >= Number(this.moment.max)) this.moment.value = 0;
    this.play.textContent = "❚❚";
    this.timer = setInterval(() => {
      const span = Number(this.span.value);
      const from = this.stops[Number(this.moment.value)];
      // On to the last use of the next window, so that empty weeks take no time.
      let next = Number(this.moment.value) + 1;
      while (next < this.stops.length - 1 && this.stops[next + 1] - from <= span) next += 1;
      this.moment.value = next;
      this.draw();
      if (next >= this.stops.length - 1) this.stop();
    }, 450);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.play.textContent = "▶";
  }
}
