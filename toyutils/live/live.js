// @ts-check
/*
 * Toy models of superposition, trained and drawn in the browser. No dependency, no network.
 *
 *   import { mountPentagon, mountDrag } from "./live.js";
 *   mountPentagon(document.getElementById("here"), { sparsity: 0.9 });
 *
 * The same file is the front end of the widgets in toyutils.live. First the model (sampling,
 * gradient, exact loss, names of shapes), which knows no page; then the two apps. Formulas and
 * conventions are those of the Python package and are tested against it.
 */

/** @typedef {{n: number, m: number, W: Float64Array, b: Float64Array}} Model W by rows: k * n + i */

// ---------------------------------------------------------------------------------- the model

/** Return a generator of uniform and normal numbers; the same seed gives the same numbers. */
export function makeRandom(seed) {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** Return importances: "equal", "0.9^i" or "0.7^i". */
export function importances(kind, n) {
  const base = kind === "equal" ? 1 : parseFloat(kind);
  return Float64Array.from({ length: n }, (_, i) => base ** i);
}

/** Return the mean loss over points and features, and its gradients, for x (point, feature). */
export function lossAndGradient(/** @type {Model} */ { n, m, W, b }, x, nPoints, importance) {
  const dW = new Float64Array(m * n);
  const db = new Float64Array(n);
  const h = new Float64Array(m);
  const back = new Float64Array(m);
  const delta = new Float64Array(n);
  const scale = 1 / (nPoints * n);
  let loss = 0;
  for (let at = 0; at < nPoints * n; at += n) {
    for (let k = 0; k < m; k++) {
      h[k] = back[k] = 0;
      for (let i = 0; i < n; i++) h[k] += W[k * n + i] * x[at + i];
    }
    for (let i = 0; i < n; i++) {
      let a = b[i];
      for (let k = 0; k < m; k++) a += W[k * n + i] * h[k];
      const error = Math.max(a, 0) - x[at + i];
      loss += importance[i] * error * error;
      delta[i] = a > 0 ? 2 * scale * importance[i] * error : 0;
      db[i] += delta[i];
      for (let k = 0; k < m; k++) back[k] += W[k * n + i] * delta[i];
    }
    for (let k = 0; k < m; k++)
      for (let i = 0; i < n; i++) dW[k * n + i] += h[k] * delta[i] + back[k] * x[at + i];
  }
  return { loss: loss * scale, dW, db };
}

/** Fill x (point, feature) with points drawn given that not all features are zero. */
export function sampleActive(x, n, density, random) {
  const some = 1 - (1 - density) ** n;
  for (let at = 0; at < x.length; at += n) {
    // The first active feature is j with probability p (1 - p)^j, cut off at n.
    const start = random.uniform() * some;
    let first = 0;
    while (first < n - 1 && start >= 1 - (1 - density) ** (first + 1)) first++;
    for (let i = 0; i < n; i++) {
      const u = random.uniform();
      x[at + i] = i < first ? 0 : i === first ? u : u < density ? u / density : 0;
    }
  }
}

/** Train one model by Adam on fresh batches. `model`, `loss` and `steps` can be read at any time. */
export class Trainer {
  constructor({
    n = 5, m = 2, sparsity = 0.97, importance = "equal", learningRate = 0.01, batchSize = 128,
    seed = 0, W = null, b = null,
  } = {}) {
    this.random = makeRandom(seed);
    const scale = Math.sqrt(2 / (n + m)); // Xavier
    /** @type {Model} */
    this.model = {
      n, m,
      W: W ? Float64Array.from(W) : Float64Array.from({ length: m * n }, () => scale * this.random.normal()),
      b: b ? Float64Array.from(b) : new Float64Array(n),
    };
    this.sparsity = sparsity;
    this.learningRate = learningRate;
    this.importance = importances(importance, n);
    this.x = new Float64Array(batchSize * n);
    this.batchSize = batchSize;
    this.loss = NaN;
    this.steps = 0;
    this.moments = [m * n, m * n, n, n].map((size) => new Float64Array(size));
  }

  /** Take `count` steps. */
  step(count = 1) {
    const { model, importance, x, batchSize } = this;
    for (let s = 0; s < count; s++) {
      const density = Math.max(1 - this.sparsity, 1e-6);
      sampleActive(x, model.n, density, this.random);
      const drawn = lossAndGradient(model, x, batchSize, importance);
      // The points that are all zero enter with their exact share; there only the bias acts.
      const share = (1 - density) ** model.n;
      let loss = (1 - share) * drawn.loss;
      for (let i = 0; i < model.n; i++) {
        const y = Math.max(model.b[i], 0);
        loss += (share * importance[i] * y * y) / model.n;
        drawn.db[i] = (1 - share) * drawn.db[i] + (share * 2 * importance[i] * y) / model.n;
      }
      for (let i = 0; i < drawn.dW.length; i++) drawn.dW[i] *= 1 - share;
      this.steps++;
      this.adam(model.W, drawn.dW, this.moments[0], this.moments[1]);
      this.adam(model.b, drawn.db, this.moments[2], this.moments[3]);
      this.loss = this.loss > 0 ? 0.98 * this.loss + 0.02 * loss : loss;
    }
  }

  adam(value, slope, first, second) {
    const warm1 = 1 - 0.9 ** this.steps;
    const warm2 = 1 - 0.999 ** this.steps;
    for (let i = 0; i < value.length; i++) {
      first[i] += 0.1 * (slope[i] - first[i]);
      second[i] += 0.001 * (slope[i] * slope[i] - second[i]);
      value[i] -= (this.learningRate * (first[i] / warm1)) / (Math.sqrt(second[i] / warm2) + 1e-8);
    }
  }
}

const GAUSS = [(1 - 3 ** -0.5) / 2, (1 + 3 ** -0.5) / 2];

/**
 * Return E[I_i (x_i - y_i)²] of output i, exactly, as theory.expected_loss does: x_j is 0 or
 * uniform, so each feature is one integral of a power of a ReLU, which is again one.
 */
export function expectedLossOf(i, overlap, bias, density, importance) {
  const n = overlap.length;
  const divide = canBeDividedBy(overlap, bias, i);
  // Nodes of feature j: [shift, weight, order] for "inactive" and twice for "active".
  const nodes = Array.from(overlap, (a, j) =>
    divide[j]
      ? [[0, 1 - density, 0], [0, -density / a, 1], [a, density / a, 1]]
      : [[0, 1 - density, 0], [GAUSS[0] * a, density / 2, 0], [GAUSS[1] * a, density / 2, 0]],
  );
  const own = nodes.slice();
  const a = overlap[i];
  own[i] = divide[i]
    ? [[a, density / a, 1], [0, density / (a * a), 2], [a, -density / (a * a), 2]]
    : [[0, 0, 0], [GAUSS[0] * a, (density * GAUSS[0]) / 2, 0], [GAUSS[1] * a, (density * GAUSS[1]) / 2, 0]];

  const expectation = (list, power) => {
    let total = 0;
    const walk = (j, z, weight, q) => {
      if (j === n) {
        if (z > 0) {
          let term = weight;
          for (let k = 1; k <= power; k++) term *= z;
          for (let k = power + 1; k <= q; k++) term *= z / k;
          total += term;
        }
        return;
      }
      for (const [shift, w, order] of list[j]) walk(j + 1, z + shift, weight * w, q + order);
    };
    walk(0, bias, 1, power);
    return total;
  };
  return importance * (density / 3 - 2 * expectation(own, 1) + expectation(nodes, 2));
}

/** Return which coefficients may be divided by without losing too many digits. */
function canBeDividedBy(overlap, bias, i) {
  const size = Array.from(overlap, Math.abs);
  const reach = size.reduce((sum, a) => sum + a, Math.abs(bias));
  const ratio = size.map((a) => Math.max(reach, 1e-12) / Math.max(a, 1e-30));
  const cost = ratio.map((r, j) => (j === i ? r * r : r));
  const order = size.map((_, j) => j).sort((j, k) => cost[j] - cost[k]);
  /** @type {boolean[]} */
  const divide = [];
  let product = 1;
  order.forEach((j, place) => {
    product *= (cost[j] * 2) / (place + 3);
    divide[j] = product * ratio[j] <= 1e9;
  });
  return divide;
}

/** Return WᵀW as an array of rows. */
export function gram(/** @type {Model} */ { n, m, W }) {
  const row = (i) =>
    Float64Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < m; k++) sum += W[k * n + i] * W[k * n + j];
      return sum;
    });
  return Array.from({ length: n }, (_, i) => row(i));
}

/** Return the exact expected loss, the mean over features. */
export function expectedLoss(/** @type {Model} */ model, sparsity, importance) {
  const overlap = gram(model);
  let sum = 0;
  for (let i = 0; i < model.n; i++)
    sum += expectedLossOf(i, overlap[i], model.b[i], 1 - sparsity, importance[i]);
  return sum / model.n;
}

/** Set every bias to its best value for the W there is, to 1e-6; outputs do not affect each other. */
export function fitBiases(/** @type {Model} */ model, sparsity) {
  const overlap = gram(model);
  const golden = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < model.n; i++) {
    const loss = (bias) => expectedLossOf(i, overlap[i], bias, 1 - sparsity, 1);
    // Not one valley: look at a grid first, then narrow round its lowest point.
    let best = -1.5;
    for (let bias = -1.5; bias <= 1; bias += 0.125) if (loss(bias) < loss(best)) best = bias;
    let [low, high] = [best - 0.125, best + 0.125];
    for (let k = 0; k < 26; k++) {
      const [one, two] = [high - golden * (high - low), low + golden * (high - low)];
      if (loss(one) < loss(two)) high = two;
      else low = one;
    }
    model.b[i] = (low + high) / 2;
  }
}

/** Return the length of every feature's direction. */
export function featureNorms(/** @type {Model} */ { n, m, W }) {
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < m; k++) sum += W[k * n + i] ** 2;
    return Math.sqrt(sum);
  });
}

/**
 * Return, for every feature i, the two parts of its interference Σ_{j≠i} (Ŵ_i · W_j)²: `costly`,
 * where the product is positive, and `free`, where it is negative: then a ReLU answers zero.
 */
export function interference(/** @type {Model} */ model) {
  return gram(model).map((row, i) => {
    const part = (sign) =>
      row.reduce((sum, a, j) => sum + (j !== i && sign * a > 0 ? (a * a) / row[i] : 0), 0);
    return row[i] > 0 ? { costly: part(1), free: part(-1) } : { costly: 0, free: 0 };
  });
}

const POLYGONS = ["", "", "", "triangle", "square", "pentagon", "hexagon", "heptagon", "octagon"];

/** Name the arrangement in the plane, as geometry.name_shape does: "pentagon, 1 dropped". */
export function nameShape(/** @type {Model} */ { n, W }, threshold = 0.5, tolerance = 10) {
  const vector = (i) => [W[i], W[n + i]];
  /** @type {number[][]} */
  const groups = [];
  let dropped = 0;
  for (let i = 0; i < n; i++) {
    const [x, y] = vector(i);
    const length = Math.hypot(x, y);
    if (length <= threshold) {
      dropped++;
      continue;
    }
    const limit = Math.cos((tolerance * Math.PI) / 180);
    const home = groups.find((group) => {
      const [u, v] = vector(group[0]);
      return (x * u + y * v) / (length * Math.hypot(u, v)) > limit;
    });
    if (home) home.push(i);
    else groups.push([i]);
  }
  const means = groups.map((group) => {
    const sum = group.map(vector).reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
    return sum.map((value) => value / group.length);
  });
  const degrees = means
    .map(([x, y]) => ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360)
    .sort((a, b) => a - b);
  const k = degrees.length;
  const gaps = degrees.map((a, i) => (degrees[(i + 1) % k] - a + 360) % 360);
  const lengths = means.map(([x, y]) => Math.hypot(x, y));
  const mean = lengths.reduce((a, b) => a + b, 0) / k;
  const equal = k < 3 || lengths.every((length) => Math.abs(length / mean - 1) <= 0.15);
  const parts = [nameGaps(gaps, equal, tolerance)];
  const shared = groups.filter((group) => group.length > 1).length;
  if (shared) parts.push(`${shared} shared`);
  if (dropped) parts.push(`${dropped} dropped`);
  return parts.join(", ");
}

function nameGaps(gaps, equal, tolerance) {
  const sorted = gaps.slice().sort((a, b) => a - b);
  const near = (...wanted) =>
    sorted.length === wanted.length && sorted.every((gap, i) => Math.abs(gap - wanted[i]) <= tolerance);
  const k = gaps.length;
  if (k < 2) return ["nothing", "one direction"][k];
  if (near(180, 180)) return "antipodal pair";
  if (near(90, 270)) return "orthogonal pair";
  if (near(90, 90, 180)) return "antipodal pair and one across";
  if (k >= 3 && k < POLYGONS.length && equal && near(...gaps.map(() => 360 / k))) return POLYGONS[k];
  const opposite = k === 4 && [0, 1].every((i) => Math.abs(gaps[i] + gaps[i + 1] - 180) <= tolerance);
  return opposite ? "two antipodal pairs" : `${k} directions`;
}

// ------------------------------------------------------------------------------ drawing, pages

const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#5B5B5B"];
const SHORTEST = 0.05; // below, an arrow has neither head nor name
const featureColor = (i) => PALETTE[i % PALETTE.length];
const SVG = "http://www.w3.org/2000/svg";
// JupyterLab would take the arrow keys for its own: this attribute is its way of leaving them.
const BOX = { class: "tu-live", role: "group", "data-lm-suppress-shortcuts": "true" };

/** Make an element with attributes, properties that start with "on" and children. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "line", "circle", "path", "polyline", "text", "rect", "title"].includes(tag);
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Return an element that holds a control and its label. */
function labelled(text, control) {
  // Not a running number: every widget of a notebook loads this module anew.
  control.id = `toyutils-${Math.random().toString(36).slice(2)}`;
  return make("div", { class: "tu-field" }, make("label", { for: control.id }, text), control);
}

function choice(text, options, value, change) {
  const control = /** @type {HTMLSelectElement} */ (
    make("select", { onchange: () => change(control.value) },
      ...options.map((option) => make("option", { value: option }, String(option))))
  );
  control.value = String(value);
  return { control, field: labelled(text, control) };
}

function sparsitySlider(value, change) {
  const output = make("output", {}, "");
  const control = /** @type {HTMLInputElement} */ (
    make("input", {
      type: "range", min: 0, max: 0.99, step: 0.01,
      oninput: () => { show(); change(Number(control.value)); },
    })
  );
  const show = () => {
    output.textContent = Number(control.value).toFixed(2);
    control.setAttribute("aria-valuetext", `sparsity ${output.textContent}`);
  };
  control.value = String(value);
  show();
  const field = labelled("sparsity S", control);
  field.append(output);
  return { field, set: (next) => { control.value = String(next); show(); } };
}

/** Draw arrows of a model (m = 2) into an SVG group, in place; names `gap` beyond the tips. */
function drawArrows(group, /** @type {Model} */ { n, W }, gap = 0) {
  while (group.childElementCount > n) group.lastElementChild.remove();
  for (let i = 0; i < n; i++) {
    let arrow = group.children[i];
    if (!arrow) {
      const color = featureColor(i);
      arrow = make("g", {},
        make("line", { x1: 0, y1: 0, stroke: color, "stroke-width": 0.035, "stroke-linecap": "round" }),
        make("path", { d: "M0,0 L-0.15,0.065 L-0.15,-0.065 Z", fill: color }));
      if (gap) arrow.append(make("text", { class: "tu-name" }, String(i)));
      group.append(arrow);
    }
    const [x, y] = [W[i], -W[n + i]]; // the page's y points down
    const [line, head, text] = arrow.children;
    const length = Math.hypot(x, y);
    // The shaft ends inside the head; an arrow that is not there has neither head nor name.
    const shaft = length > 0.15 ? 1 - 0.1 / length : 1;
    line.setAttribute("x2", (x * shaft).toFixed(3));
    line.setAttribute("y2", (y * shaft).toFixed(3));
    const angle = (Math.atan2(y, x) * 180) / Math.PI;
    const size = Math.min(1, length / 0.15);
    head.setAttribute("transform", `translate(${x.toFixed(3)} ${y.toFixed(3)}) rotate(${angle.toFixed(1)}) scale(${size.toFixed(2)})`);
    for (const part of [head, text]) part?.setAttribute("visibility", length < SHORTEST ? "hidden" : "visible");
    if (text) {
      const out = 1 + gap / Math.max(length, SHORTEST);
      text.setAttribute("x", (x * out).toFixed(3));
      text.setAttribute("y", (y * out).toFixed(3));
    }
  }
}

function plane(extra = {}) {
  const group = make("g", {});
  const svg = make("svg", { viewBox: "-1.6 -1.6 3.2 3.2", class: "tu-plane", ...extra },
    make("circle", { r: 1, class: "tu-unit" }), group);
  return { svg, group };
}

/** Repeat `frame(milliseconds since the last)` until stopped; rarely, where motion is unwanted. */
function loop(frame) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let last = performance.now();
  let handle = 0;
  let stopped = false;
  const tick = () => {
    if (stopped) return;
    const now = performance.now();
    frame(Math.min(now - last, 1000), calm);
    last = now;
    if (calm) handle = window.setTimeout(tick, 700);
    else handle = requestAnimationFrame(tick);
  };
  tick();
  return () => {
    stopped = true;
    cancelAnimationFrame(handle);
    clearTimeout(handle);
  };
}

/** Take the steps that are due at `rate` per second, for at most `budget` milliseconds. */
function stepFor(trainers, due, budget = 9) {
  const end = performance.now() + budget;
  let done = 0;
  while (done < due && performance.now() < end) {
    for (const trainer of trainers) trainer.step(1);
    done++;
  }
  return done;
}

const rows = ({ n, m, W }) => Array.from({ length: m }, (_, k) => Array.from(W.subarray(k * n, k * n + n)));

/**
 * Mount the pentagon that trains itself into `root`.
 *
 * `options`: sparsity, n_features, importance, learning_rate, seed, running, start_anew (whether a
 * new sparsity begins at the random start again: a settled model often stays where it is), and
 * `onstate(state)`, called twice a second. Returns `set(options)`, `state()` and `destroy()`.
 */
export function mountPentagon(root, options = {}) {
  const settings = {
    sparsity: 0.97, n_features: 5, importance: "equal", learning_rate: 0.01, seed: 0, running: true,
    start_anew: true, ...options,
  };
  const RATE = 300; // steps per second: slow enough to watch
  let trainer = new Trainer();
  /** @type {Trainer[]} */
  let many = [];
  let trace = [];
  let sinceState = 0;
  let sinceTrace = 0;
  const main = plane({ role: "img" });
  const spoken = make("title", {}, "");
  main.svg.prepend(spoken);
  const curve = make("polyline", { class: "tu-curve" });
  const chart = make("svg", { viewBox: "0 0 200 80", class: "tu-chart", role: "img", "aria-label": "loss over steps, logarithmic" }, curve);
  const [low, high] = [make("text", { x: 34, y: 76 }, ""), make("text", { x: 34, y: 9 }, "")];
  chart.append(low, high);
  const shape = make("strong", { "aria-live": "polite", class: "tu-shape" }, "");
  const numbers = make("p", { class: "tu-numbers" }, "");
  const bars = make("ol", { class: "tu-bars", "aria-label": "length of each feature's arrow" });
  const tally = make("p", { class: "tu-tally", "aria-live": "polite" });
  const grid = make("div", { class: "tu-many" });

  const slider = sparsitySlider(settings.sparsity, (value) => change({ sparsity: value }));
  const pick = {
    n_features: choice("features", [2, 3, 4, 5, 6, 7, 8], settings.n_features, (v) => change({ n_features: Number(v) })),
    importance: choice("importance", ["equal", "0.9^i", "0.7^i"], settings.importance, (v) => change({ importance: v })),
    learning_rate: choice("learning rate", [0.001, 0.003, 0.01, 0.03], settings.learning_rate, (v) => change({ learning_rate: Number(v) })),
  };
  const anew = /** @type {HTMLInputElement} */ (
    make("input", { type: "checkbox", onchange: () => change({ start_anew: anew.checked }) })
  );
  const pause = make("button", { type: "button", onclick: () => change({ running: !settings.running }) }, "");
  const buttons = make("div", { class: "tu-buttons" },
    make("button", { type: "button", onclick: () => { settings.seed++; restart(); } }, "Restart"),
    pause,
    make("button", { type: "button", onclick: twenty }, "20 seeds"));
  const box = make("div", { ...BOX, "aria-label": "a model that trains as you watch" },
    make("div", { class: "tu-controls" }, slider.field, ...Object.values(pick).map((p) => p.field),
      labelled("start anew when S changes", anew), buttons),
    tally,
    make("div", { class: "tu-views" }, main.svg, make("div", { class: "tu-side" }, shape, numbers, chart, bars)),
    grid);
  root.replaceChildren(box);

  function newTrainer(seed) {
    return new Trainer({
      n: settings.n_features, sparsity: settings.sparsity, importance: settings.importance,
      learningRate: settings.learning_rate, seed,
    });
  }

  function restart() {
    trainer = newTrainer(settings.seed);
    many = [];
    trace = [];
    grid.replaceChildren();
    tally.textContent = "";
    draw();
  }

  function twenty() {
    tally.textContent = "20 seeds: training…";
    many = Array.from({ length: 20 }, (_, k) => newTrainer(1000 + 20 * settings.seed + k));
    grid.replaceChildren(...many.map(() => plane({ "aria-hidden": "true" }).svg));
    settings.running = true;
    drawMany();
    draw();
  }

  function change(next) {
    const changed = (name) => name in next && next[name] !== settings[name];
    const again = ["n_features", "importance", "seed"].some(changed) || (settings.start_anew && changed("sparsity"));
    const twentyAgain = again && many.length > 0;
    Object.assign(settings, next);
    slider.set(settings.sparsity);
    anew.checked = settings.start_anew;
    for (const [name, { control }] of Object.entries(pick)) control.value = String(settings[name]);
    if (again) restart();
    if (twentyAgain) twenty();
    for (const t of [trainer, ...many]) {
      t.sparsity = settings.sparsity;
      t.learningRate = settings.learning_rate;
    }
    draw();
    report();
  }

  function draw() {
    pause.textContent = settings.running ? "Pause" : "Continue";
    drawArrows(main.group, trainer.model, 0.15);
    const name = nameShape(trainer.model);
    if (shape.textContent !== name) shape.textContent = name;
    numbers.textContent = `step ${trainer.steps}, loss ${trainer.loss >= 0 ? trainer.loss.toPrecision(3) : "–"}`;
    spoken.textContent = `${settings.n_features} feature directions in the plane: ${name}`;
    const lengths = featureNorms(trainer.model);
    while (bars.childElementCount > lengths.length) bars.lastElementChild.remove();
    lengths.forEach((length, i) => {
      if (!bars.children[i]) bars.append(make("li", {}, make("span", { class: "tu-bar" }), make("span", {})));
      const [bar, text] = /** @type {any} */ (bars.children[i].children);
      bar.style.width = `${Math.min(40 * length, 65).toFixed(1)}%`;
      bar.style.background = featureColor(i);
      text.textContent = `feature ${i}: length ${length.toFixed(2)}`;
    });
    if (trace.length > 1) {
      const logs = trace.map(([, loss]) => Math.log10(loss));
      const [bottom, top] = [Math.min(...logs), Math.max(...logs)];
      const end = trace[trace.length - 1][0] || 1;
      const point = ([step], k) =>
        `${((162 * step) / end + 37).toFixed(1)},${(76 - (70 * (logs[k] - bottom)) / Math.max(top - bottom, 0.1)).toFixed(1)}`;
      curve.setAttribute("points", trace.map(point).join(" "));
      [low.textContent, high.textContent] = [(10 ** bottom).toPrecision(2), (10 ** top).toPrecision(2)];
    } else {
      curve.setAttribute("points", "");
      low.textContent = high.textContent = "";
    }
  }

  function drawMany() {
    many.forEach((t, k) => drawArrows(grid.children[k].lastElementChild, t.model));
    const counts = new Map();
    for (const t of many) counts.set(nameShape(t.model), (counts.get(nameShape(t.model)) ?? 0) + 1);
    const words = [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${count} × ${name}`);
    tally.textContent = many.length ? `${many[0].steps} steps, 20 seeds: ${words.join("; ")}` : "";
  }

  const state = () => ({
    sparsity: settings.sparsity, n_features: settings.n_features, importance: settings.importance,
    learning_rate: settings.learning_rate, seed: settings.seed, running: settings.running, start_anew: settings.start_anew,
    W: rows(trainer.model), b: Array.from(trainer.model.b), loss: trainer.loss >= 0 ? trainer.loss : null,
    step: trainer.steps, shape: nameShape(trainer.model), tally: tally.textContent,
  });
  function report() {
    sinceState = 0;
    options.onstate?.(state());
  }

  let owed = 0;
  const stop = loop((passed) => {
    if (!settings.running) return;
    owed = Math.min(owed + (RATE * passed) / 1000, 2 * RATE);
    owed -= stepFor([trainer, ...many], owed);
    sinceTrace += passed;
    sinceState += passed;
    if (sinceTrace > 60 && trainer.loss > 0) {
      sinceTrace = 0;
      trace.push([trainer.steps, trainer.loss]);
      if (trace.length > 300) trace = trace.filter((_, k) => k % 2 === 0);
      if (many.length) drawMany();
    }
    draw();
    if (sinceState > 500) report();
  });
  change({});
  restart();
  return {
    set: change, state, restart, twenty,
    destroy() {
      stop();
      root.replaceChildren();
    },
  };
}

/** Return the W and b of the best of `starts` trainings by exact loss, a slice at a time. */
function* search(n, sparsity, importance, starts = 12) {
  let best = null;
  for (let seed = 0; seed < starts; seed++) {
    const trainer = new Trainer({ n, sparsity, importance, seed, batchSize: 64 });
    const steps = 2400;
    while (trainer.steps < steps) {
      trainer.learningRate = 0.01 * (1 + Math.cos((Math.PI * trainer.steps) / steps)) + 1e-6;
      trainer.step(40);
      yield best;
    }
    fitBiases(trainer.model, sparsity);
    const loss = expectedLoss(trainer.model, sparsity, importances(importance, n));
    if (!best || loss < best.loss) best = { loss, model: trainer.model };
    yield best;
  }
  return best;
}

/**
 * Mount arrows that the reader drags into `root`.
 *
 * `options`: n_features (3 to 6), sparsity, importance, W (two rows), and `onstate(state)`, called
 * after every change. Biases are always the best for the W there is. Returns `set`, `state`,
 * `destroy`.
 */
export function mountDrag(root, options = {}) {
  const settings = { n_features: 3, sparsity: 0.9, importance: "equal", W: null, ...options };
  /** @type {Model} */
  let model;
  /** @type {Trainer | null} */
  let trainer = null;
  let loss = NaN;
  let best = Infinity;
  /** @type {any} */
  let optimum = null;
  /** @type {any} */
  let searching = null;
  const main = plane({ role: "group", "aria-label": "arrows to drag" });
  let held = { i: 0, dx: 0, dy: 0 }; // the feature under the pointer, and how far off its middle
  const handles = make("g", {
    onpointerdown: (event) => grab(event),
    ontouchstart: (event) => event.preventDefault(), // a drag scrolls no page
    onpointermove: (event) => {
      if (!handles.hasPointerCapture(event.pointerId)) return;
      const [x, y] = pointed(event);
      move(held.i, within(x + held.dx), within(y + held.dy));
    },
  });
  main.svg.append(handles);
  const table = make("table", { class: "tu-gram" });
  const losses = make("p", { "aria-live": "polite", class: "tu-losses" });
  const shape = make("strong", { class: "tu-shape" });
  const slider = sparsitySlider(settings.sparsity, (value) => change({ sparsity: value }));
  const pick = {
    n_features: choice("features", [3, 4, 5, 6], settings.n_features, (v) => change({ n_features: Number(v), W: null })),
    importance: choice("importance", ["equal", "0.9^i", "0.7^i"], settings.importance, (v) => change({ importance: v })),
  };
  const finish = make("button", { type: "button", onclick: () => (trainer ? stopTraining() : startTraining()) }, "");
  const box = make("div", { ...BOX, "aria-label": "place the features yourself" },
    make("div", { class: "tu-controls" }, slider.field, pick.n_features.field, pick.importance.field,
      make("div", { class: "tu-buttons" }, finish,
        make("button", { type: "button", onclick: () => change({ W: null }) }, "Start again"))),
    make("p", { class: "tu-help" }, "Drag the ends. Or choose one with Tab: left and right turn it, up and down change its length."),
    make("div", { class: "tu-views" }, main.svg, make("div", { class: "tu-side" }, shape, losses, table)));
  root.replaceChildren(box);

  function place() {
    const n = settings.n_features;
    const W = new Float64Array(2 * n);
    for (let i = 0; i < n; i++) {
      // A fan in one quarter of the plane: nothing is given away.
      const angle = ((20 + (50 * i) / Math.max(n - 1, 1)) * Math.PI) / 180;
      W[i] = settings.W ? settings.W[0][i] : 0.8 * Math.cos(angle);
      W[n + i] = settings.W ? settings.W[1][i] : 0.8 * Math.sin(angle);
    }
    model = { n, m: 2, W, b: new Float64Array(n) };
    handles.replaceChildren(...Array.from({ length: n }, (_, i) => handle(i)));
  }

  function handle(i) {
    const reach = make("circle", { r: 0.24, class: "tu-reach" }); // a thumb's width
    const dot = make("circle", {
      r: 0.13, tabindex: 0, role: "slider", class: "tu-handle", fill: featureColor(i),
      "aria-label": `feature ${i}`, "aria-valuemin": -180, "aria-valuemax": 180,
      onkeydown: (event) => {
        const [x, y] = [model.W[i], model.W[model.n + i]];
        let [length, angle] = [Math.hypot(x, y), Math.atan2(y, x)];
        const turn = ((event.shiftKey ? 1 : 5) * Math.PI) / 180;
        const grow = event.shiftKey ? 0.01 : 0.05;
        if (event.key === "ArrowLeft") angle += turn;
        else if (event.key === "ArrowRight") angle -= turn;
        else if (event.key === "ArrowUp") length = Math.min(1.5, length + grow);
        else if (event.key === "ArrowDown") length = Math.max(0, length - grow);
        else return;
        event.preventDefault();
        stopTraining();
        // A direction of length 0 would forget where it pointed.
        move(i, Math.max(length, 1e-6) * Math.cos(angle), Math.max(length, 1e-6) * Math.sin(angle));
      },
    });
    return make("g", {}, reach, dot);
  }

  const within = (value) => Math.max(-1.5, Math.min(1.5, value));

  function pointed(event) {
    const frame = main.svg.getBoundingClientRect();
    const at = (value, start, size) => (3.2 * (value - start)) / size - 1.6;
    return [at(event.clientX, frame.left, frame.width), -at(event.clientY, frame.top, frame.height)];
  }

  function grab(event) {
    const [x, y] = pointed(event);
    const { n, W } = model;
    const far = (i) => Math.hypot(W[i] - x, W[n + i] - y);
    const i = Array.from({ length: n }, (_, k) => k).reduce((a, b) => (far(b) < far(a) ? b : a));
    held = { i, dx: W[i] - x, dy: W[n + i] - y };
    stopTraining();
    handles.setPointerCapture(event.pointerId);
    event.preventDefault();
    /** @type {any} */ (handles.children[i].lastElementChild).focus();
  }

  function move(i, x, y) {
    model.W[i] = x;
    model.W[model.n + i] = y;
    update();
  }

  function update(fit = true) {
    if (fit) fitBiases(model, settings.sparsity);
    loss = expectedLoss(model, settings.sparsity, importances(settings.importance, model.n));
    best = Math.min(best, loss);
    settings.W = rows(model);
    draw();
    options.onstate?.(state());
  }

  function draw() {
    finish.textContent = trainer ? "Stop" : "Let gradient descent finish";
    drawArrows(main.group, model, 0.26);
    for (let i = 0; i < model.n; i++) {
      const [x, y] = [model.W[i], model.W[model.n + i]];
      const dot = handles.children[i].lastElementChild;
      for (const circle of handles.children[i].children) {
        circle.setAttribute("cx", x.toFixed(3));
        circle.setAttribute("cy", (-y).toFixed(3));
      }
      const angle = Math.round((Math.atan2(y, x) * 180) / Math.PI);
      dot.setAttribute("aria-valuenow", String(angle));
      dot.setAttribute("aria-valuetext", `length ${Math.hypot(x, y).toFixed(2)}, angle ${angle} degrees`);
    }
    shape.textContent = nameShape(model);
    const least = optimum ? `${Math.min(optimum.loss, best).toPrecision(4)}${searching ? " (still looking)" : ""}` : "looking…";
    losses.textContent = `exact loss ${loss.toPrecision(4)} · your best ${best.toPrecision(4)} · best known ${least}`;
    const interfering = interference(model);
    const head = make("tr", {}, make("th", { scope: "col" }, "WᵀW"),
      ...interfering.map((_, j) => make("th", { scope: "col" }, String(j))),
      ...["costly", "free", "bias"].map((name) => make("th", { scope: "col" }, name)));
    table.replaceChildren(head, ...gram(model).map((row, i) =>
      make("tr", {}, make("th", { scope: "row" }, String(i)),
        ...Array.from(row, (value) => {
          const strength = Math.round(45 * Math.min(Math.abs(value), 1));
          const color = value < 0 ? "#2166AC" : "#B2182B";
          return make("td", { style: `background: color-mix(in srgb, ${color} ${strength}%, transparent)` }, value.toFixed(2));
        }),
        ...[interfering[i].costly, interfering[i].free, model.b[i]].map((value) => make("td", {}, value.toFixed(2))))));
  }

  function startTraining() {
    trainer = new Trainer({
      n: model.n, sparsity: settings.sparsity, importance: settings.importance, W: model.W, b: model.b,
      learningRate: 0.005, batchSize: 256,
    });
    model = trainer.model;
    draw();
  }

  function stopTraining() {
    if (!trainer) return;
    trainer = null;
    update();
  }

  function change(next) {
    const again = ["n_features", "W"].some((name) => name in next);
    if ("n_features" in next && !("W" in next)) next = { ...next, W: null };
    trainer = null;
    Object.assign(settings, next);
    slider.set(settings.sparsity);
    for (const [name, { control }] of Object.entries(pick)) control.value = String(settings[name]);
    if (again) place();
    if ("sparsity" in next || "importance" in next || "n_features" in next || !searching) {
      best = Infinity;
      optimum = null;
      searching = search(model.n, settings.sparsity, settings.importance);
    }
    update();
  }

  const state = () => ({
    n_features: model.n, sparsity: settings.sparsity, importance: settings.importance,
    W: rows(model), b: Array.from(model.b), loss, best, optimum: optimum && !searching ? Math.min(optimum.loss, best) : null,
    shape: nameShape(model), training: trainer !== null,
  });

  const stop = loop((passed) => {
    if (trainer) {
      stepFor([trainer], Math.min((600 * passed) / 1000, 60));
      if (trainer.steps > 2500) stopTraining();
      else update(false);
    } else if (searching) {
      const end = performance.now() + 9;
      while (searching && performance.now() < end) {
        const next = searching.next();
        optimum = next.value ?? optimum;
        if (next.done) {
          searching = null;
          draw();
          options.onstate?.(state());
        }
      }
    }
  });
  place();
  change({});
  return {
    set: change, state,
    destroy() {
      stop();
      root.replaceChildren();
    },
  };
}

// ------------------------------------------------------------------------ the widgets' front end

/** What anywidget calls: mount the app that the Python object names, and keep both in step. */
export default {
  render({ model, el }) {
    const mount = model.get("kind") === "drag" ? mountDrag : mountPentagon;
    const inputs = model.get("inputs");
    const given = Object.fromEntries(inputs.map((name) => [name, model.get(name)]));
    let own = false; // a change that comes from here is no order
    const app = mount(el, {
      ...given,
      onstate(state) {
        own = true;
        for (const [name, value] of Object.entries(state)) model.set(name, value);
        own = false;
        model.save_changes();
      },
    });
    const listen = (name) => () => {
      if (!own && JSON.stringify(model.get(name)) !== JSON.stringify(app.state()[name]))
        app.set({ [name]: model.get(name) });
    };
    const listeners = inputs.map((name) => [`change:${name}`, listen(name)]);
    for (const [event, listener] of listeners) model.on(event, listener);
    return () => {
      for (const [event, listener] of listeners) model.off(event, listener);
      app.destroy();
    };
  },
};
