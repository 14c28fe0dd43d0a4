// @ts-check
/*
 * Toy models of superposition, trained and drawn in the browser. No dependency, no network.
 *
 *   import { mountPentagon } from "./live.js";
 *   mountPentagon(document.getElementById("here"), { sparsity: 0.9 });
 *
 * So are mountDrag, mountAttack, mountPhaseMap, mountSolids and mountDictionary. Each returns
 * `set(options)`, `state()` and `destroy()`, and calls `options.onstate(state)` after changes; options
 * and state are those of the widgets in toyutils.live, whose front end this is. First the models,
 * which know no page, then the apps. Formulas and conventions are those of the Python package and
 * are tested against it. What is out of sight rests.
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

/** @type {(n: number, value?: (k: number) => any) => any[]} */
const times = (n, value = (k) => k) => Array.from({ length: n }, (_, k) => value(k));

const zeros = (/** @type {number} */ n) => new Float64Array(n);
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
const unit = (v) => v.map((value) => value / Math.hypot(...v));
const flat = (W) => Float64Array.from(W.flat());

/** Return importances: "equal", "0.9^i" or "0.7^i". */
export function importances(kind, n) {
  const base = kind === "equal" ? 1 : parseFloat(kind);
  return Float64Array.from(times(n, (i) => base ** i));
}

/** Return a model whose W is Xavier normal and whose b is zero. */
export function randomModel(n, m, random) {
  const scale = Math.sqrt(2 / (n + m));
  const W = Float64Array.from(times(m * n, () => scale * random.normal()));
  return { n, m, W, b: zeros(n) };
}

/** Return the mean loss over points and features, and its gradients, for x (point, feature). */
export function lossAndGradient(/** @type {Model} */ { n, m, W, b }, x, nPoints, importance) {
  const dW = zeros(m * n);
  const db = zeros(n);
  const h = zeros(m);
  const back = zeros(m);
  const delta = zeros(n);
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

/** Return the hidden numbers h = W x and the outputs y = ReLU(Wᵀh + b) of one point x. */
export function forward(/** @type {Model} */ { n, m, W, b }, x) {
  const h = times(m, (k) => times(n).reduce((sum, i) => sum + W[k * n + i] * x[i], 0));
  const y = times(n, (i) => Math.max(0, h.reduce((sum, value, k) => sum + W[k * n + i] * value, b[i])));
  return { h, y };
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

/** Return a function that moves `values`, several arrays, one step of Adam. */
function adam(values) {
  const moments = values.map((value) => [zeros(value.length), zeros(value.length)]);
  let steps = 0;
  return (slopes, rate) => {
    steps++;
    const warm1 = 1 - 0.9 ** steps;
    const warm2 = 1 - 0.999 ** steps;
    values.forEach((value, which) => {
      const slope = slopes[which];
      const [first, second] = moments[which];
      for (let i = 0; i < value.length; i++) {
        first[i] += 0.1 * (slope[i] - first[i]);
        second[i] += 0.001 * (slope[i] * slope[i] - second[i]);
        value[i] -= (rate * (first[i] / warm1)) / (Math.sqrt(second[i] / warm2) + 1e-8);
      }
    });
  };
}

/** Train one model by Adam on fresh batches. `model` and `steps` can be read at any time. */
export class Trainer {
  constructor({
    n = 5, m = 2, sparsity = 0.97, importance = "equal", learningRate = 0.01, batchSize = 128,
    seed = 0, model = /** @type {Model | null} */ (null),
  } = {}) {
    this.random = makeRandom(seed);
    /** @type {Model} */
    this.model = model
      ? { ...model, W: model.W.slice(), b: model.b.slice() }
      : randomModel(n, m, this.random);
    this.sparsity = sparsity;
    this.learningRate = learningRate;
    this.importance = importances(importance, this.model.n);
    this.x = zeros(batchSize * this.model.n);
    this.batchSize = batchSize;
    this.steps = 0;
    this.move = adam([this.model.W, this.model.b]);
  }

  /** Take `count` steps. */
  step(count = 1) {
    const { model, importance, x, batchSize } = this;
    for (let s = 0; s < count; s++) {
      const density = Math.max(1 - this.sparsity, 1e-6);
      sampleActive(x, model.n, density, this.random);
      const { dW, db } = lossAndGradient(model, x, batchSize, importance);
      // The points that are all zero enter with their exact share; there only the bias acts.
      const share = (1 - density) ** model.n;
      for (let i = 0; i < model.n; i++)
        db[i] = (1 - share) * db[i] + (share * 2 * importance[i] * Math.max(model.b[i], 0)) / model.n;
      for (let i = 0; i < dW.length; i++) dW[i] *= 1 - share;
      this.steps++;
      this.move([dW, db], this.learningRate);
    }
  }

  /** Take `count` steps at a rate that falls to zero over `total`, half a cosine from `rate`. */
  anneal(count, total, rate) {
    for (let s = 0; s < count && this.steps < total; s++) {
      this.learningRate = (rate * (1 + Math.cos((Math.PI * this.steps) / total))) / 2;
      this.step();
    }
  }
}

const GAUSS = [(1 - 3 ** -0.5) / 2, (1 + 3 ** -0.5) / 2];

/**
 * Return E[I_i (x_i - y_i)²] of output i, exactly, as theory.expected_loss does: x_j is 0 or
 * uniform, so each feature is one integral of a power of a ReLU, which is again one.
 */
export function expectedLossOf(i, overlap, bias, density, importance) {
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
  return importance * (density / 3 - 2 * reluExpectation(own, bias, 1) + reluExpectation(nodes, bias, 2));
}

/** Return E[ReLU(bias + Σ a_j x_j)^power] from three nodes for each feature. */
function reluExpectation(nodes, bias, power) {
  const size = 3 ** nodes.length;
  const [z, weight, order] = [zeros(size), zeros(size), new Uint8Array(size)];
  [z[0], weight[0], order[0]] = [bias, 1, power];
  let filled = 1;
  for (const list of nodes) {
    for (let c = 2; c >= 0; c--) {
      const [shift, w, q] = list[c];
      for (let t = 0; t < filled; t++) {
        const to = c * filled + t;
        z[to] = z[t] + shift;
        weight[to] = weight[t] * w;
        order[to] = order[t] + q;
      }
    }
    filled *= 3;
  }
  let total = 0;
  for (let t = 0; t < size; t++) {
    if (z[t] <= 0) continue;
    let term = weight[t];
    for (let k = 1; k <= order[t]; k++) term *= k <= power ? z[t] : z[t] / k;
    total += term;
  }
  return total;
}

/** Return which coefficients may be divided by without losing too many digits. */
function canBeDividedBy(overlap, bias, i) {
  const size = Array.from(overlap, Math.abs);
  const reach = size.reduce((sum, a) => sum + a, Math.abs(bias));
  const ratio = size.map((a) => Math.max(reach, 1e-12) / Math.max(a, 1e-30));
  const cost = ratio.map((r, j) => (j === i ? r * r : r));
  const order = times(size.length).sort((j, k) => cost[j] - cost[k]);
  /** @type {boolean[]} */
  const divide = [];
  let product = 1;
  order.forEach((j, place) => {
    product *= (cost[j] * 2) / (place + 3);
    divide[j] = product * ratio[j] <= 1e9;
  });
  return divide;
}

/** Return every feature's direction, a column of W. */
const columns = (/** @type {Model} */ { n, m, W }) => times(n, (i) => times(m, (k) => W[k * n + i]));

/** Return WᵀW as an array of rows. */
export function gram(/** @type {Model} */ model) {
  const directions = columns(model);
  return directions.map((u) => directions.map((v) => dot(u, v)));
}

/** Return the exact expected loss, the mean over features. */
export function expectedLoss(/** @type {Model} */ model, sparsity, importance) {
  const overlap = gram(model);
  let sum = 0;
  for (let i = 0; i < model.n; i++)
    sum += expectedLossOf(i, overlap[i], model.b[i], 1 - sparsity, importance[i]);
  return sum / model.n;
}

/** Return the loss of a model that always answers zero. */
export const lossOfZero = (sparsity, importance) =>
  ((1 - sparsity) / 3) * (importance.reduce((sum, value) => sum + value, 0) / importance.length);

/** Set every bias to its best value for the W there is, to 1e-6; outputs do not affect each other. */
export function fitBiases(/** @type {Model} */ model, sparsity) {
  const overlap = gram(model);
  const golden = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < model.n; i++) {
    const loss = (bias) => expectedLossOf(i, overlap[i], bias, 1 - sparsity, 1);
    // Not one valley: look at a grid first, then narrow round its lowest point.
    let [best, least] = [0, Infinity];
    for (let bias = -1.5; bias <= 1; bias += 0.125) {
      const value = loss(bias);
      if (value < least) [best, least] = [bias, value];
    }
    let [low, high] = [best - 0.125, best + 0.125];
    for (let k = 0; k < 26; k++) {
      const [one, two] = [high - golden * (high - low), low + golden * (high - low)];
      if (loss(one) < loss(two)) high = two;
      else low = one;
    }
    model.b[i] = (low + high) / 2;
  }
}

/**
 * Take `model`, in place, down the exact loss to the minimum of its valley; pauses often.
 *
 * BFGS, as theory.descend, with slopes by differences. No step moves W and b by more than
 * `maxStep` together, so that the valley is the one that the model started in.
 */
export function* descend(/** @type {Model} */ model, sparsity, importance, maxStep = 0.1, precision = 1e-6) {
  const cut = model.W.length;
  const scale = 1 / (lossOfZero(sparsity, importance) || 1);
  const loss = (place) => {
    model.W.set(place.subarray(0, cut));
    model.b.set(place.subarray(cut));
    return scale * expectedLoss(model, sparsity, importance);
  };
  const moved = (place, direction, far) => place.map((a, i) => a + far * direction[i]);
  const slope = function* (place) {
    const result = place.slice();
    for (let i = 0; i < place.length; i++) {
      const along = place.map((_, j) => (i === j ? 1e-4 : 0));
      result[i] = (loss(moved(place, along, 1)) - loss(moved(place, along, -1))) / 2e-4;
      yield;
    }
    return result;
  };
  let at = Float64Array.from([...model.W, ...model.b]);
  let inverse = times(at.length, (i) => at.map((_, j) => (i === j ? 0.3 : 0)));
  let here = loss(at);
  let g = yield* slope(at);
  for (let k = 0; k < 150 && Math.sqrt(dot(g, g)) > precision; k++) {
    let step = Float64Array.from(inverse, (row) => -dot(row, g));
    if (dot(step, g) >= 0) step = g.map((value) => -0.3 * value);
    let far = Math.min(1, maxStep / Math.sqrt(dot(step, step)));
    let value = loss(moved(at, step, far));
    for (; far > 1e-6 && !(value <= here + 1e-4 * far * dot(step, g)); value = loss(moved(at, step, far))) {
      far /= 2;
      yield;
    }
    if (!(value < here)) break;
    at = moved(at, step, far);
    const slopes = yield* slope(at);
    const change = moved(slopes, g, -1);
    step = step.map((component) => far * component);
    const along = dot(step, change);
    if (along > 1e-14) {
      const Hy = Float64Array.from(inverse, (row) => dot(row, change));
      const factor = (1 + dot(change, Hy) / along) / along;
      inverse = inverse.map((row, i) =>
        row.map((h, j) => h + factor * step[i] * step[j] - (Hy[i] * step[j] + step[i] * Hy[j]) / along));
    }
    [here, g] = [value, slopes];
  }
  return loss(at) / scale;
}

/** Run a generator to its end; return its result. */
export function finish(work) {
  for (;;) {
    const next = work.next();
    if (next.done) return next.value;
  }
}

/** Return the length of every feature's direction. */
export const featureNorms = (/** @type {Model} */ model) => columns(model).map((column) => Math.hypot(...column));

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


/** Return k directions evenly round a circle, as columns [x, y, z]. */
const ring = (k, length = 1, turn = 0, z = 0) =>
  times(k, (i) => {
    const angle = (2 * Math.PI * (i + turn)) / k;
    return [length * Math.cos(angle), length * Math.sin(angle), z];
  });
const POLES = [[0, 0, 1], [0, 0, -1]];
const SHAPES = {
  "antipodal pair": POLES,
  triangle: ring(3),
  tetrahedron: [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]],
  pentagon: ring(5),
  "triangular bipyramid": [...ring(3), ...POLES],
  octahedron: [...ring(4), ...POLES],
  "pentagonal bipyramid": [...ring(5), ...POLES],
  "square antiprism": [...ring(4, 0.7 ** 0.5, 0, 0.3 ** 0.5), ...ring(4, 0.7 ** 0.5, 0.5, -(0.3 ** 0.5))],
};

/** Return the cosines between all pairs of `vectors`, sorted. */
function sortedCosines(vectors) {
  const units = vectors.map(unit);
  return units.flatMap((u, i) => units.slice(i + 1).map((v) => dot(u, v))).sort((a, b) => a - b);
}

/** Return the name in geometry.SHAPES whose sorted cosines agree best, within `tolerance`, or null. */
function matchShape(vectors, tolerance = 0.15) {
  if (vectors.length === 1) return "alone";
  const cosines = sortedCosines(vectors);
  let [best, error] = [/** @type {string | null} */ (null), tolerance];
  for (const [name, ideal] of Object.entries(SHAPES)) {
    if (ideal.length !== vectors.length) continue;
    const other = sortedCosines(ideal);
    const worst = Math.max(...cosines.map((value, k) => Math.abs(value - other[k])));
    if (worst <= error) [best, error] = [name, worst];
  }
  return best;
}

/** Return how often each name occurs, most frequent first. */
function tallied(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Name the solid of the directions longer than 1/2, or the parts of their Gram graph, one by one. */
export function nameSolid(/** @type {Model} */ model, edge = 0.25) {
  const kept = columns(model).filter((column) => Math.hypot(...column) > 0.5);
  /** @type {number[][][]} */
  let parts = [];
  for (const v of kept) {
    const joined = (part) => part.some((u) => Math.abs(dot(unit(u), unit(v))) > edge);
    parts = [...parts.filter((part) => !joined(part)), [v, ...parts.filter(joined).flat()]];
  }
  const names = tallied(parts.map((part) => matchShape(part) ?? "other")).map(([name, count]) => (count > 1 ? `${count} × ${name}` : name));
  const dropped = model.n - kept.length;
  return [matchShape(kept) ?? names.join(", "), ...(dropped ? [`${dropped} dropped`] : [])].join(", ");
}

/** Return the pairs of `points` that are neighbours: no third is as near to the middle between them. */
export function neighbours(points) {
  const far = (a, b) => Math.hypot(...a.map((value, k) => value - b[k]));
  return points.flatMap((a, i) => points.slice(i + 1).flatMap((b, offset) => {
    const middle = a.map((value, k) => (value + b[k]) / 2);
    const alone = points.every((c) => c === a || c === b || far(c, middle) > 1.03 * far(a, middle));
    return alone ? [[i, i + 1 + offset]] : [];
  }));
}

/**
 * Return the smallest change of x, (feature,), that moves the hidden numbers by `push`:
 * δ = Wᵀ(W Wᵀ)⁻¹ push, for two hidden numbers.
 */
export function perturbation(/** @type {Model} */ { n, W }, push) {
  let [a, c, d] = [0, 0, 0]; // W Wᵀ = [[a, c], [c, d]]
  for (let i = 0; i < n; i++) {
    a += W[i] * W[i];
    c += W[i] * W[n + i];
    d += W[n + i] * W[n + i];
  }
  const area = a * d - c * c || 1e-12; // both arrows on one line: no push goes across it
  const solved = [(d * push[0] - c * push[1]) / area, (a * push[1] - c * push[0]) / area];
  return times(n, (i) => W[i] * solved[0] + W[n + i] * solved[1]);
}

/** Return the mean over features of (x_i - y_i)², where the model sees x + δ. */
export function attackedError(/** @type {Model} */ model, x, delta) {
  const { y } = forward(model, x.map((value, i) => value + delta[i]));
  return x.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / model.n;
}

/** Return the push whose perturbation has length `size` and does the most harm at x. */
export function worstPush(/** @type {Model} */ model, x, size) {
  let worst = { push: [0, 0], error: -1 };
  for (let k = 0; k < 720; k++) {
    const push = [Math.cos((k * Math.PI) / 360), Math.sin((k * Math.PI) / 360)];
    const scale = size / Math.hypot(...perturbation(model, push));
    const error = attackedError(model, x, perturbation(model, push).map((value) => scale * value));
    if (error > worst.error) worst = { push: push.map((value) => scale * value), error };
  }
  return worst;
}

/** Where the branches of two features in one number begin: W and b. */
const BRANCHES = {
  "both share": [1, -1],
  "feature 1 left out": [1, 0],
  "feature 0 left out": [0, 1],
};

/** Name what a model of two features and one number does with them. */
export function nameBranch(/** @type {Model} */ { W }) {
  const [first, second] = [Math.abs(W[0]) > 0.5, Math.abs(W[1]) > 0.5];
  if (first && second) return "both share";
  return first ? "feature 1 left out" : second ? "feature 0 left out" : "neither kept";
}

const lowestOf = (minima) => Object.keys(minima).reduce((a, b) => (minima[b].loss < (1 - 1e-6) * minima[a].loss ? b : a));

/** Return, pausing often, the minimum that each branch leads to at one point: {name: {model, loss}}. */
export function* branches(density, ratio, names = Object.keys(BRANCHES), precision = 1e-6) {
  /** @type {Record<string, {model: Model, loss: number}>} */
  const result = {};
  for (const name of names) {
    const model = { n: 2, m: 1, W: Float64Array.from(BRANCHES[name]), b: zeros(2) };
    // What is left out is answered by its mean; a little of it, to leave a saddle.
    for (const i of [0, 1]) if (!model.W[i]) [model.W[i], model.b[i]] = [-0.02, density / 2];
    result[name] = { loss: yield* descend(model, 1 - density, [1, ratio], 0.1, precision), model };
  }
  return result;
}

/** A sparse autoencoder that keeps the k largest latents; all arrays by rows of W_dec's latents. */
export class Dictionary {
  constructor({ inputs = 2, latents = 8, k = 1, seed = 0 } = {}) {
    const random = makeRandom(seed);
    this.inputs = inputs;
    this.latents = latents;
    this.k = k;
    this.steps = 0;
    this.decoder = flat(times(latents, () => unit(times(inputs, () => random.normal()))));
    this.encoder = this.decoder.slice(); // row j is latent j's; W_enc is its transpose
    this.encoderBias = zeros(latents);
    this.decoderBias = zeros(inputs);
    this.move = adam([this.encoder, this.encoderBias, this.decoder, this.decoderBias]);
  }

  /** Return the latents of one state h: zero but for the k that are largest by f_j |d_j|. */
  latent(h) {
    const { inputs, latents, encoder, decoder, encoderBias, decoderBias } = this;
    const f = times(latents, (j) => {
      let a = encoderBias[j];
      for (let k = 0; k < inputs; k++) a += encoder[j * inputs + k] * (h[k] - decoderBias[k]);
      return Math.max(a, 0);
    });
    const size = f.map((value, j) => value * Math.hypot(...decoder.subarray(j * inputs, (j + 1) * inputs)));
    const kept = times(latents).sort((i, j) => size[j] - size[i]).slice(0, this.k);
    return f.map((value, j) => (kept.includes(j) ? value : 0));
  }

  /** Return the state that latents f stand for. */
  decode(f) {
    return times(this.inputs, (k) =>
      f.reduce((sum, value, j) => sum + value * this.decoder[j * this.inputs + k], this.decoderBias[k]));
  }

  /** Return the expected squared error, summed over inputs, and its gradients. */
  lossAndGradient(states, weights) {
    const { inputs, encoder, decoder } = this;
    const slopes = [encoder, this.encoderBias, decoder, this.decoderBias].map((part) => zeros(part.length));
    const [byEncoder, byEncoderBias, byDecoder, byDecoderBias] = slopes;
    let loss = 0;
    states.forEach((h, point) => {
      const f = this.latent(h);
      const error = this.decode(f).map((value, k) => value - h[k]);
      loss += weights[point] * dot(error, error);
      const slope = error.map((e) => 2 * weights[point] * e);
      slope.forEach((value, k) => (byDecoderBias[k] += value));
      f.forEach((value, j) => {
        if (!value) return;
        const back = dot(slope, decoder.subarray(j * inputs, (j + 1) * inputs));
        byEncoderBias[j] += back;
        for (let k = 0; k < inputs; k++) {
          byDecoder[j * inputs + k] += value * slope[k];
          byEncoder[j * inputs + k] += back * (h[k] - this.decoderBias[k]);
          byDecoderBias[k] -= back * encoder[j * inputs + k];
        }
      });
    });
    return { loss, slopes };
  }

  /** Take one step on states (point) of the given weights. */
  step(states, weights, rate) {
    this.steps++;
    this.move(this.lossAndGradient(states, weights).slopes, rate);
  }
}

/** Draw hidden states of `model`, last that of the point without features, with their weights. */
export function drawStates(/** @type {Model} */ model, sparsity, nPoints, random) {
  const x = zeros(nPoints * model.n);
  sampleActive(x, model.n, 1 - sparsity, random);
  const states = times(nPoints, (point) => forward(model, x.subarray(point * model.n, (point + 1) * model.n)).h);
  const empty = sparsity ** model.n;
  states.push(times(model.m, () => 0));
  return { states, weights: states.map((_, k) => (k < nPoints ? (1 - empty) / nPoints : empty)) };
}

/**
 * Return for each feature its latent, or null, and the cosine between the latent's decoder row and
 * the feature's direction. A latent that ever fires (`live`) can stand for the feature that it is
 * nearest to, a feature takes the nearest of those.
 */
export function matchLatents(/** @type {Dictionary} */ { decoder, inputs, latents }, /** @type {Model} */ model, live) {
  const truth = columns(model).map(unit);
  const cosines = times(latents, (j) => truth.map((direction) => dot(direction, unit(Array.from(decoder.subarray(j * inputs, (j + 1) * inputs))))));
  const owner = cosines.map((values) => values.indexOf(Math.max(...values)));
  return truth.map((_, i) => {
    const latent = times(latents).filter((j) => live[j] && owner[j] === i)
      .reduce((best, j) => (best === null || cosines[j][i] > cosines[best][i] ? j : best), null);
    return { latent, cosine: latent === null ? -1 : cosines[latent][i] };
  });
}

/** Return the chance that one of `n` random directions in the plane lies within cosine `least`. */
export const chanceOfMatch = (n, least) => 1 - (1 - Math.acos(least) / Math.PI) ** n;

/** The pentagon that is attacked and looked into, trained once: `work()` goes on, until `done`. */
const pentagon = {
  trainer: /** @type {Trainer | null} */ (null),
  done: false,
  work() {
    this.trainer ??= new Trainer({ seed: 0 });
    const { trainer } = this;
    stepFor(() => trainer.anneal(1, 2500, 0.02), Infinity);
    this.done = trainer.steps >= 2500;
    return trainer.model;
  },
};

/** Return the model of which rows W and biases b are given, or null without them. */
const givenModel = ({ W, b }) =>
  W ? { n: W[0].length, m: 2, W: flat(W), b: Float64Array.from(b ?? times(W[0].length, () => 0)) } : null;

// What gradient descent has reached, by settings; searched once, for all apps of a page.
/** @type {Map<string, {loss: number, done: boolean, work: Generator}>} */
const known = new Map();

/** Return the lowest loss reached for these settings, {loss, done}; `seek` looks further. */
function bestKnown(n, sparsity, importance) {
  const key = `${n} ${sparsity} ${importance}`;
  let entry = known.get(key);
  if (!entry) {
    entry = { loss: Infinity, done: false, work: search(n, sparsity, importance) };
    known.set(key, entry);
  }
  return entry;
}

/** Look for a lower loss for some milliseconds. */
function seek(entry, budget = 6) {
  const end = performance.now() + budget;
  while (!entry.done && performance.now() < end) {
    const next = entry.work.next();
    entry.loss = Math.min(entry.loss, next.value ?? Infinity);
    entry.done = !!next.done;
  }
}

/** Train from 12 starts, then take the best down the exact loss; yields losses and pauses. */
function* search(n, sparsity, importance, starts = 12) {
  const weights = importances(importance, n);
  let best = { loss: Infinity, model: /** @type {Model} */ (randomModel(n, 2, makeRandom(0))) };
  for (let seed = 0; seed < starts; seed++) {
    const trainer = new Trainer({ n, sparsity, importance, seed, batchSize: 64 });
    for (; trainer.steps < 2400; yield) trainer.anneal(20, 2400, 0.02);
    const loss = expectedLoss(trainer.model, sparsity, weights);
    if (loss < best.loss) best = { loss, model: trainer.model };
    yield best.loss;
  }
  return yield* descend(best.model, sparsity, weights);
}

// ------------------------------------------------------------------------------ drawing, pages

const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#5B5B5B"];
const KINDS = ["#2A9D8F", "#AA4499", "#8A8A2A", "#C8505F"]; // what has a name and is no feature
const SHORTEST = 0.05; // below, an arrow has neither head nor name
const featureColor = (i) => PALETTE[i % PALETTE.length];
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = ["svg", "g", "line", "circle", "ellipse", "path", "polyline", "text", "rect", "title"];
// JupyterLab takes the arrow keys, unless told so.
const BOX = { class: "tu-live", role: "group", "data-lm-suppress-shortcuts": "true" };

/**
 * Make an element with attributes, properties that start with "on" and children.
 * @returns {any}
 */
function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

const button = (text, click) => make("button", { type: "button", onclick: click }, text);

/** Set attributes of an element, numbers rounded. */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, typeof value === "number" ? value.toFixed(3) : value);
}

/** Write `text` into an element unless it is there already: it may be read out. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return an element whose text is read out when it changes. */
const announced = (name, tag = "p") => make(tag, { class: `tu-${name}`, "aria-live": "polite" });

/** Return an element that holds a control and its label. */
function labelled(text, control) {
  // Not a running number: every widget of a notebook loads this module anew.
  control.id = `toyutils-${Math.random().toString(36).slice(2)}`;
  return make("div", { class: "tu-field" }, make("label", { for: control.id }, text), control);
}

const NONE = /** @type {any} */ (null); // a setting that need not be given
const ignore = (_state) => {};

// A control has its `field`, to be laid out, and `set(value)`; it calls `change({name: value})`.

function choice(text, name, options, change) {
  const take = () => change({ [name]: options[control.selectedIndex] });
  const control = make("select", { onchange: take }, ...options.map((option) => make("option", { value: option }, String(option))));
  return { field: labelled(text, control), set: (next) => { control.value = String(next); } };
}

function checkbox(text, name, change) {
  const control = make("input", { type: "checkbox", onchange: () => change({ [name]: control.checked }) });
  return { field: labelled(text, control), set: (next) => { control.checked = next; } };
}

/** Return a slider with its value beside it; `show` writes a value. */
function slide(text, name, [min, max, step], change, show = (value) => two(value)) {
  const output = make("output", {}, "");
  const control = make("input", { type: "range", min, max, step, oninput: () => change({ [name]: Number(control.value) }) });
  const field = labelled(text, control);
  field.append(output);
  return { field, set(next) {
    control.value = String(next);
    say(output, show(next));
    control.setAttribute("aria-valuetext", `${text} ${output.textContent}`);
  } };
}

const sparsitySlider = (change) => slide("sparsity S", "sparsity", [0, 0.99, 0.01], change);
const importanceChoice = (change) => choice("importance", "importance", ["equal", "0.9^i", "0.7^i"], change);

const two = (value) => value.toFixed(2);
const digits = (value, n = 3) => (Number.isFinite(value) ? value.toPrecision(n) : "–");

/** Return a list of names and values. */
function readings() {
  const list = make("dl", { class: "tu-readings" });
  const show = (entries) => {
    while (list.childElementCount > 2 * entries.length) list.lastElementChild.remove();
    while (list.childElementCount < 2 * entries.length) list.append(make("dt"), make("dd"));
    entries.forEach(([name, value], k) => {
      say(list.children[2 * k], name);
      say(list.children[2 * k + 1], typeof value === "number" ? digits(value) : value);
    });
  };
  return { list, show };
}

/** Return a bar from the best known loss to that of answering zero. */
function yardstick() {
  const mark = make("span", { class: "tu-mark" });
  const bar = make("div", { class: "tu-yard", "aria-hidden": "true" }, mark,
    make("span", {}, "best known"), make("span", {}, "answering zero"));
  const show = (loss, best, zero) => {
    const place = Number.isFinite(best) ? (loss - best) / (zero - best) : NaN;
    mark.style.left = `${(100 * Math.max(0, Math.min(1, place || 0))).toFixed(1)}%`;
    mark.style.visibility = Number.isFinite(place) ? "visible" : "hidden";
  };
  return { bar, show };
}

/** Draw arrows of a model (m = 2) into an SVG group, in place; names `gap` beyond the tips. */
function drawArrows(group, /** @type {{n: number, W: ArrayLike<number>}} */ { n, W }, gap = 0, color = featureColor) {
  while (group.childElementCount > n) group.lastElementChild.remove();
  for (let i = 0; i < n; i++) {
    let arrow = group.children[i];
    if (!arrow) {
      arrow = make("g", {},
        make("line", { x1: 0, y1: 0, "stroke-width": 0.035, "stroke-linecap": "round" }),
        make("path", { d: "M0,0 L-0.15,0.065 L-0.15,-0.065 Z" }));
      if (gap) arrow.append(make("text", { class: "tu-name" }, String(i)));
      group.append(arrow);
    }
    const [x, y] = [W[i], -W[n + i]]; // the page's y points down
    const [line, head, text] = arrow.children;
    const length = Math.hypot(x, y);
    // The shaft ends inside the head; an arrow that is not there has neither head nor name.
    const shaft = length > 0.15 ? 1 - 0.1 / length : 1;
    set(line, { x2: x * shaft, y2: y * shaft, stroke: color(i) });
    const angle = (Math.atan2(y, x) * 180) / Math.PI;
    const size = Math.min(1, length / 0.15);
    const place = `translate(${x.toFixed(3)} ${y.toFixed(3)}) rotate(${angle.toFixed(1)}) scale(${two(size)})`;
    set(head, { transform: place, fill: color(i) });
    for (const part of [head, text]) part?.setAttribute("visibility", length < SHORTEST ? "hidden" : "visible");
    const out = 1 + gap / Math.max(length, SHORTEST);
    if (text) set(text, { x: x * out, y: y * out });
  }
}

/** Return a drawing of the hidden plane: unit circle, a group for what is in it, and `describe(words)`. */
function plane(attributes = {}) {
  const [group, title] = [make("g"), make("title")];
  const svg = make("svg", { viewBox: "-1.6 -1.6 3.2 3.2", class: "tu-plane", role: "img", ...attributes },
    title, make("circle", { r: 1, class: "tu-unit" }), group);
  return { svg, group, describe: (words) => say(title, words) };
}

/**
 * Let a pointer drag `target`, a part of the drawing `svg`. `grab(x, y)`, in the drawing's units
 * with y upwards, returns a function of the places that follow. Unless it `scrolls`, no page does.
 */
function draggable(svg, target, grab, scrolls = false) {
  let move = (_x, _y) => {};
  const at = (event) => {
    const frame = svg.getBoundingClientRect();
    const [left, top, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    return [left + (width * (event.clientX - frame.left)) / frame.width,
      -(top + (height * (event.clientY - frame.top)) / frame.height)];
  };
  if (!scrolls) target.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  target.addEventListener("pointerdown", (event) => {
    target.setPointerCapture(event.pointerId);
    event.preventDefault();
    move = grab(...at(event));
  });
  target.addEventListener("pointermove", (event) => {
    if (target.hasPointerCapture(event.pointerId)) move(...at(event));
  });
}

/** Return a knob to drag: what is seen, and round it a thumb's width. */
function knob(attributes, reach = 0.24) {
  const dot = make("circle", { r: 0.13, tabindex: 0, role: "slider", class: "tu-handle", ...attributes });
  return make("g", {}, make("circle", { r: reach, class: "tu-reach" }), dot);
}

/** Move a knob; `value` is its number and `words` what is read out. */
function moveKnob(group, x, y, value, words) {
  for (const circle of group.children) set(circle, { cx: x, cy: -y });
  set(group.lastElementChild, { "aria-valuenow": value, "aria-valuetext": words });
}

/** Return a listener that calls `take(right, up)` when an arrow key is pressed. */
const arrowKeys = (take) => (event) => {
  const size = event.shiftKey ? 0.01 : 0.05;
  const step = { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, size], ArrowDown: [0, -size] }[event.key];
  if (!step) return;
  event.preventDefault();
  take(...step);
};

/** Return a dark knob in the drawing `svg`, which stands `at()` and asks to `go(x, y)`. */
function freeKnob(svg, label, r, at, go) {
  const step = (right, up) => go(at()[0] + right, at()[1] + up);
  const group = knob({ r, class: "tu-handle tu-inked", "aria-label": label, "aria-valuemin": -9, "aria-valuemax": 9, onkeydown: arrowKeys(step) }, 2 * r);
  draggable(svg, group, (x, y) => {
    const [dx, dy] = [at()[0] - x, at()[1] - y];
    group.lastElementChild.focus();
    return (toX, toY) => go(toX + dx, toY + dy);
  });
  return group;
}

/**
 * Call `frame(milliseconds since the last, whether to draw)` again and again until stopped, while
 * `root` is in sight. Where motion is unwanted, drawings are rare; the work goes on.
 */
function loop(root, frame) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let [last, drawn, inSight, stopped] = [performance.now(), -Infinity, true, false];
  const watch = new IntersectionObserver((entries) => { inSight = entries[entries.length - 1].isIntersecting; });
  watch.observe(root);
  const again = () => {
    if (stopped) return;
    const now = performance.now();
    const draws = !calm || now - drawn > 700;
    if (draws) drawn = now;
    if (inSight) frame(Math.min(now - last, 1000), draws);
    last = now;
    if (calm) setTimeout(again, 30);
    else requestAnimationFrame(again);
  };
  again();
  return () => {
    stopped = true;
    watch.disconnect();
  };
}

/** Call `step` until that was `due` times or `budget` milliseconds are over. */
function stepFor(step, due, budget = 8) {
  const end = performance.now() + budget;
  let done = 0;
  while (done < due && performance.now() < end) {
    step();
    done++;
  }
  return done;
}

/** Return a function that takes the steps due after some milliseconds, at `rate` per second. */
function pace(rate) {
  let owed = 0;
  return (passed, step) => {
    owed = Math.min(owed + (rate * passed) / 1000, rate / 5);
    owed -= stepFor(step, Math.floor(owed));
  };
}

/** Lay an app out in `root`: controls and buttons, help, a picture and what stands beside it. */
function layout(root, label, { controls, buttons, help = "", picture, side, above = /** @type {any[]} */ ([]), below = /** @type {any[]} */ ([]) }) {
  const box = make("div", { ...BOX, "aria-label": label },
    make("div", { class: "tu-controls" }, ...Object.values(controls).map((control) => control.field),
      make("div", { class: "tu-buttons" }, ...buttons)),
    ...above, ...(help ? [make("p", { class: "tu-help" }, help)] : []),
    make("div", { class: "tu-views" }, picture, make("div", { class: "tu-side" }, ...side)), ...below);
  root.replaceChildren(box);
  return box;
}

function mounted(root, stop, parts) {
  return { ...parts, destroy() { stop(); root.replaceChildren(); } };
}

/** Return a function of the milliseconds passed that calls `tell` twice a second. */
function twiceASecond(tell) {
  let since = 0;
  return (passed) => {
    since += passed;
    if (since < 500) return;
    since = 0;
    tell();
  };
}

/** Return the buttons "Restart", with the next seed, and "Pause", and what names the latter. */
function playback(settings, change) {
  const pause = button("", () => change({ running: !settings.running }));
  return {
    buttons: [button("Restart", () => change({ seed: settings.seed + 1 })), pause],
    name: () => say(pause, settings.running ? "Pause" : "Continue"),
  };
}

function refresh(controls, settings) {
  for (const [name, control] of Object.entries(controls)) control.set(settings[name]);
}

const parameters = (/** @type {Model} */ model) => ({ W: rows(model), b: Array.from(model.b) });

/** Return the settings that are state, not the listener. */
const given = (settings) => Object.fromEntries(Object.entries(settings).filter(([name]) => name !== "onstate"));

/** Tell whether `next` changes one of the settings `names`. */
const differs = (next, settings, names) => names.some((name) => name in next && next[name] !== settings[name]);

const rows = ({ n, m, W }) => times(m, (k) => Array.from(W.subarray(k * n, k * n + n)));

// -------------------------------------------------------------------------------- the pentagon

/** Mount the pentagon that trains itself. What else it returns is for the story. */
export function mountPentagon(root, options = {}) {
  const settings = {
    sparsity: 0.97, n_features: 5, importance: "equal", learning_rate: 0.01, seed: 0, running: true,
    start_anew: true, onstate: ignore, ...options,
  };
  let trainer = newTrainer(settings.seed);
  /** @type {Trainer[]} */
  let many = [];
  /** @type {[number, number][]} */
  let trace = [];
  let [loss, sinceTrace, sinceChange] = [NaN, 0, 0];
  const due = pace(300); // steps a second: slow enough to watch
  const main = plane();
  const curve = make("polyline", { class: "tu-curve" });
  const [low, high] = [make("text", { x: 34, y: 76 }, ""), make("text", { x: 34, y: 9 }, "")];
  const chart = make("svg", { viewBox: "0 0 200 80", class: "tu-chart", role: "img", "aria-label": "loss over steps, logarithmic" },
    curve, low, high, make("text", { x: 198, y: 9 }, "loss, log scale"));
  const shape = announced("shape", "strong");
  const numbers = readings();
  const yard = yardstick();
  const tally = make("p", { class: "tu-tally" });
  const grid = make("div", { class: "tu-many" });

  const controls = {
    sparsity: sparsitySlider(change),
    n_features: choice("features", "n_features", [2, 3, 4, 5, 6, 7, 8], change),
    importance: importanceChoice(change),
    learning_rate: choice("learning rate", "learning_rate", [0.001, 0.003, 0.01, 0.03], change),
    start_anew: checkbox("start anew when S changes", "start_anew", change),
  };
  const play = playback(settings, change);
  const box = layout(root, "a model that trains as you watch", {
    controls, buttons: [...play.buttons, button("20 seeds", twenty)],
    picture: main.svg, side: [shape, numbers.list, yard.bar, chart], above: [tally], below: [grid],
  });

  function newTrainer(seed) {
    const { n_features: n, sparsity, importance, learning_rate: learningRate } = settings;
    return new Trainer({ n, sparsity, importance, learningRate, seed });
  }

  function restart() {
    trainer = newTrainer(settings.seed);
    many = [];
    trace = [];
    grid.replaceChildren();
    say(tally, "");
    measure();
    draw();
  }

  function twenty() {
    say(tally, "20 seeds: training…");
    many = times(20, (k) => newTrainer(1000 + 20 * settings.seed + k));
    grid.replaceChildren(...many.map(() => plane({ "aria-hidden": "true" }).svg));
    settings.running = true;
    draw();
  }

  function change(next) {
    const again = differs(next, settings, ["n_features", "importance", "seed", ...(settings.start_anew ? ["sparsity"] : [])]);
    const twentyAgain = again && many.length > 0;
    Object.assign(settings, next);
    refresh(controls, settings);
    sinceChange = 0;
    if (again) restart();
    if (twentyAgain) twenty();
    for (const t of [trainer, ...many]) {
      t.sparsity = settings.sparsity;
      t.learningRate = settings.learning_rate;
    }
    measure();
    draw();
    report();
  }

  const target = () => bestKnown(settings.n_features, settings.sparsity, settings.importance);

  function measure() {
    loss = expectedLoss(trainer.model, settings.sparsity, trainer.importance);
    const entry = target();
    entry.loss = Math.min(entry.loss, loss);
  }

  function draw() {
    play.name();
    drawArrows(main.group, trainer.model, 0.15);
    const name = nameShape(trainer.model);
    say(shape, name);
    const lengths = featureNorms(trainer.model).map((length) => length.toFixed(1));
    main.describe(`${settings.n_features} feature directions in the plane: ${name}; lengths ${lengths.join(", ")}`);
    const zero = lossOfZero(settings.sparsity, trainer.importance);
    const entry = target();
    numbers.show([["step", String(trainer.steps)], ["loss", loss],
      ["best known", entry.done ? entry.loss : "looking…"], ["answering zero", zero]]);
    yard.show(loss, entry.done ? entry.loss : NaN, zero);
    drawTrace();
    many.forEach((t, k) => drawArrows(grid.children[k].lastElementChild, t.model));
    if (many.length) say(tally, `${many[0].steps} steps, 20 seeds: ${counts().map(([words, count]) => `${count} × ${words}`).join("; ")}`);
  }

  function drawTrace() {
    const logs = trace.map(([, value]) => Math.log10(value));
    const [bottom, top] = [Math.min(...logs), Math.max(...logs)];
    const end = trace[trace.length - 1]?.[0] || 1;
    const points = trace.map(([step], k) =>
      `${((162 * step) / end + 37).toFixed(1)},${(76 - (64 * (logs[k] - bottom)) / Math.max(top - bottom, 0.1)).toFixed(1)}`);
    curve.setAttribute("points", points.join(" "));
    say(low, trace.length ? (10 ** bottom).toPrecision(2) : "");
    say(high, trace.length ? (10 ** top).toPrecision(2) : "");
  }

  const counts = () => tallied(many.map((t) => nameShape(t.model)));

  const state = () => ({
    ...given(settings), ...parameters(trainer.model), loss, step: trainer.steps,
    shape: nameShape(trainer.model), tally: tally.textContent,
  });
  const report = () => settings.onstate(state());
  const often = twiceASecond(report);

  const stop = loop(box, (passed, draws) => {
    sinceChange += passed;
    const entry = target();
    if (sinceChange > 400 && !entry.done) {
      seek(entry, 3);
      if (entry.done) draw();
    }
    if (!settings.running) return;
    due(passed, () => { for (const t of [trainer, ...many]) t.step(); });
    sinceTrace += passed;
    if (sinceTrace > 60) {
      sinceTrace = 0;
      measure();
      trace.push([trainer.steps, loss]);
      if (trace.length > 300) trace = trace.filter((_, k) => k % 2 === 0);
    }
    if (draws) draw();
    often(passed);
  });
  change({});
  restart();
  return mounted(root, stop, { set: change, state, restart, twenty, counts, many: () => many, best: target });
}

// ------------------------------------------------------------------------------------- by hand

/** Mount arrows that the reader drags; biases are always the best for the W there is. */
export function mountDrag(root, options = {}) {
  const settings = { n_features: 3, sparsity: 0.9, importance: "equal", W: NONE, onstate: ignore, ...options };
  /** @type {Model} */
  let model = randomModel(3, 2, makeRandom(0));
  /** @type {Trainer | null} */
  let trainer = null;
  let [loss, best, helped, sinceChange] = [NaN, Infinity, false, 0];
  let noticed = 0; // goals reached so far
  const main = plane({ role: "group", "aria-label": "arrows to drag" });
  const handles = make("g");
  main.svg.append(handles);
  const table = make("table", { class: "tu-gram" });
  const numbers = readings();
  const yard = yardstick();
  const goals = readings();
  const praise = make("p", { class: "tu-praise", role: "status" });
  const shape = make("strong", { class: "tu-shape" });
  const controls = {
    sparsity: sparsitySlider(change),
    n_features: choice("features", "n_features", [3, 4, 5, 6], change),
    importance: importanceChoice(change),
  };
  const finishing = button("", () => (trainer ? stopTraining() : startTraining()));
  const box = layout(root, "place the features yourself", {
    controls, buttons: [finishing, button("Start again", () => change({ W: null }))],
    help: "Drag the ends. Or choose one with Tab: left and right turn it, up and down change its length.",
    picture: main.svg, side: [shape, numbers.list, yard.bar, goals.list, praise, table],
  });
  draggable(main.svg, handles, (x, y) => {
    const { n, W } = model;
    const far = (i) => Math.hypot(W[i] - x, W[n + i] - y);
    const i = times(n).reduce((a, b) => (far(b) < far(a) ? b : a));
    const [dx, dy] = [W[i] - x, W[n + i] - y];
    const within = (value) => Math.max(-1.5, Math.min(1.5, value));
    stopTraining();
    handles.children[i].lastElementChild.focus();
    return (toX, toY) => move(i, within(toX + dx), within(toY + dy));
  });

  function place() {
    const n = settings.n_features;
    // A fan in one quarter of the plane: nothing is given away.
    const angles = times(n, (i) => ((20 + (50 * i) / Math.max(n - 1, 1)) * Math.PI) / 180);
    const fan = [angles.map((angle) => 0.8 * Math.cos(angle)), angles.map((angle) => 0.8 * Math.sin(angle))];
    model = { n, m: 2, W: flat(settings.W ?? fan), b: zeros(n) };
    helped = false;
    say(praise, "");
    handles.replaceChildren(...times(n, (i) =>
      knob({ fill: featureColor(i), "aria-label": `feature ${i}`, "aria-valuemin": -180, "aria-valuemax": 180, onkeydown: arrowKeys((right, up) => turn(i, right, up)) })));
  }

  function turn(i, right, up) {
    stopTraining();
    const [x, y] = [model.W[i], model.W[model.n + i]];
    const angle = Math.atan2(y, x) - (100 * right * Math.PI) / 180;
    // A direction of length 0 would forget where it pointed.
    const length = Math.max(1e-6, Math.min(1.5, Math.hypot(x, y) + up));
    move(i, length * Math.cos(angle), length * Math.sin(angle));
  }

  function move(i, x, y) {
    model.W[i] = x;
    model.W[model.n + i] = y;
    update();
  }

  const target = () => bestKnown(model.n, settings.sparsity, settings.importance);

  function update(byMachine = false) {
    if (!trainer) fitBiases(model, settings.sparsity);
    loss = expectedLoss(model, settings.sparsity, importances(settings.importance, model.n));
    // What gradient descent reached is not the reader's.
    if (byMachine) target().loss = Math.min(target().loss, loss);
    else if (!helped) best = Math.min(best, loss);
    settings.W = rows(model);
    draw();
    settings.onstate(state());
  }

  /** Return by how much the reader's best is above the best known, as a share; null while looking. */
  function excess() {
    const entry = target();
    return entry.done && Number.isFinite(best) ? best / Math.min(entry.loss, best) - 1 : null;
  }

  function draw() {
    say(finishing, trainer ? "Stop" : "Let gradient descent finish");
    drawArrows(main.group, model, 0.26);
    for (let i = 0; i < model.n; i++) {
      const [x, y] = [model.W[i], model.W[model.n + i]];
      const angle = Math.round((Math.atan2(y, x) * 180) / Math.PI);
      moveKnob(handles.children[i], x, y, angle, `length ${two(Math.hypot(x, y))}, angle ${angle} degrees`);
    }
    say(shape, nameShape(model));
    const entry = target();
    const zero = lossOfZero(settings.sparsity, importances(settings.importance, model.n));
    numbers.show([["exact loss", digits(loss, 4)], ["your best", digits(best, 4)],
      ["gradient descent's best", entry.done ? digits(entry.loss, 4) : "looking…"], ["answering zero", digits(zero, 4)]]);
    yard.show(loss, entry.done ? Math.min(entry.loss, best) : NaN, zero);
    drawGoals(entry);
    drawTable();
  }

  function drawGoals(entry) {
    const above = excess();
    const reached = [0.1, 0.01].map((share) => above !== null && above <= share);
    goals.show(["10 %", "1 %"].map((share, k) => [`your best within ${share} of best known`, reached[k] ? "✓ done" : "not yet"]));
    const record = entry.done && best < entry.loss * (1 - 1e-6);
    const count = reached.filter(Boolean).length + (record ? 1 : 0);
    if (helped) say(praise, "Gradient descent moved these arrows, so they do not count as yours. Start again to play on.");
    else if (count > noticed)
      say(praise, ["", "Well placed: within 10 % of the best known.", "Within 1 % of the best known: you have found it.", "A record: lower than gradient descent got in twelve runs."][count]);
    noticed = Math.max(noticed, count);
  }

  function drawTable() {
    const interfering = interference(model);
    const head = make("tr", {}, make("th", { scope: "col" }, "WᵀW"),
      ...interfering.map((_, j) => make("th", { scope: "col" }, String(j))),
      ...["costly", "free", "bias"].map((name) => make("th", { scope: "col" }, name)));
    table.replaceChildren(head, ...gram(model).map((row, i) =>
      make("tr", {}, make("th", { scope: "row" }, String(i)),
        ...Array.from(row, (value) => {
          const strength = Math.round(45 * Math.min(Math.abs(value), 1));
          const color = value < 0 ? "#2166AC" : "#B2182B";
          return make("td", { style: `background: color-mix(in srgb, ${color} ${strength}%, transparent)` }, two(value));
        }),
        ...[interfering[i].costly, interfering[i].free, model.b[i]].map((value) => make("td", {}, two(value))))));
  }

  function startTraining() {
    trainer = new Trainer({ sparsity: settings.sparsity, importance: settings.importance, model, learningRate: 0.005, batchSize: 256 });
    model = trainer.model;
    helped = true;
    draw();
  }

  function stopTraining() {
    if (!trainer) return;
    trainer = null;
    update(true);
  }

  function change(next) {
    const again = ["n_features", "W"].some((name) => name in next);
    if ("n_features" in next && !("W" in next)) next = { ...next, W: null };
    trainer = null;
    Object.assign(settings, next);
    refresh(controls, settings);
    if (["sparsity", "importance", "n_features"].some((name) => name in next)) {
      best = Infinity;
      noticed = 0;
    }
    if (again) place();
    sinceChange = 0;
    update();
  }

  const state = () => ({
    ...given(settings), ...parameters(model), loss, best: Number.isFinite(best) ? best : null,
    optimum: target().done ? Math.min(target().loss, best) : null, excess: excess(),
    shape: nameShape(model), training: trainer !== null,
  });

  const stop = loop(box, (passed, draws) => {
    sinceChange += passed;
    if (trainer) {
      const training = trainer;
      stepFor(() => training.step(), Math.min((600 * passed) / 1000, 60));
      if (trainer.steps > 2500) stopTraining();
      else if (draws) update(true);
    } else if (sinceChange > 200 && !target().done) {
      seek(target());
      if (target().done) {
        draw();
        settings.onstate(state());
      }
    }
  });
  place();
  change({});
  return mounted(root, stop, { set: change, state });
}

// ------------------------------------------------------------------------------------- attack

/** Mount a trained pentagon, whose hidden numbers the reader pushes. */
export function mountAttack(root, options = {}) {
  const settings = { W: NONE, b: NONE, x: [1, 0, 0, 0, 0], size: 0.3, push: [0, 0], onstate: ignore, ...options };
  /** @type {Model} */
  let model = givenModel(settings) ?? pentagon.work();
  const main = plane({ role: "group", "aria-label": "the plane of the hidden numbers", viewBox: "-1.9 -1.9 3.8 3.8" });
  const limit = make("path", { class: "tu-limit" });
  const shift = make("line", { class: "tu-shift" });
  const origin = make("circle", { r: 0.05, class: "tu-origin" });
  const handle = freeKnob(main.svg, "hidden numbers under attack", 0.13, () => settings.push, (...push) => change({ push }));
  main.svg.append(limit, shift, origin, handle);
  const numbers = readings();
  const verdict = announced("verdict");
  const table = make("div", { role: "group", "aria-label": "inputs and outputs" });
  const size = slide("length ‖δ‖ at most", "size", [0, 1, 0.01], change);
  const inputs = times(5, (i) => slide(`x${i}`, "value", [0, 1, 0.05],
    ({ value }) => change({ x: settings.x.map((old, k) => (k === i ? value : old)) })));
  const outputs = times(5, (i) => make("div", { class: "tu-out", role: "img", style: `--tu-of: ${featureColor(i)}` },
    make("span", { class: "tu-before" }), make("span", { class: "tu-after" }), make("span", { class: "tu-number" })));
  table.append(...inputs.map(({ field }, i) => make("div", { class: "tu-row" }, field, outputs[i])));
  const box = layout(root, "attack a trained model", {
    controls: { size },
    buttons: [button("Find the worst", () => change({ push: worstPush(model, settings.x, settings.size).push })),
      button("No attack", () => change({ push: [0, 0] }))],
    help: "Drag the large point, or move it with the arrow keys: the input changes as little as that needs.",
    picture: main.svg, side: [numbers.list, verdict, table],
  });

  const ready = () => !!settings.W || pentagon.done;

  /** Return how the attack stands: δ, outputs and errors. */
  function attack() {
    const delta = perturbation(model, settings.push);
    return {
      delta, clean: forward(model, settings.x), hit: forward(model, settings.x.map((value, i) => value + delta[i])),
      error: attackedError(model, settings.x, times(5, () => 0)),
      attacked: attackedError(model, settings.x, delta),
      // With a hidden number for each feature the answer is ReLU(x + δ): at worst it is off by all of δ.
      without: settings.size ** 2 / model.n,
    };
  }

  function change(next) {
    Object.assign(settings, next);
    model = givenModel(settings) ?? pentagon.work();
    const length = Math.hypot(...perturbation(model, settings.push));
    if (length > settings.size) settings.push = settings.push.map((value) => (value * settings.size) / length);
    size.set(settings.size);
    inputs.forEach((input, i) => input.set(settings.x[i]));
    draw();
    settings.onstate(state());
  }

  function draw() {
    const { delta, clean, hit, error, attacked, without } = attack();
    drawArrows(main.group, model, 0.26);
    const [[x, y], [toX, toY]] = [clean.h, hit.h];
    set(origin, { cx: x, cy: -y });
    set(shift, { x1: x, y1: -y, x2: toX, y2: -toY });
    const length = Math.hypot(...delta);
    moveKnob(handle, toX, toY, toX, `${two(toX)} to the right, ${two(toY)} up; perturbation of length ${two(length)}`);
    const edge = times(49, (k) => {
      const along = [Math.cos((k * Math.PI) / 24), Math.sin((k * Math.PI) / 24)];
      const far = settings.size / Math.hypot(...perturbation(model, along));
      return `${(x + far * along[0]).toFixed(3)},${-(y + far * along[1]).toFixed(3)}`;
    });
    limit.setAttribute("d", `M${edge.join("L")}Z`);
    numbers.show([["length ‖δ‖", length], ["error before", error], ["error under attack", attacked],
      ["at worst without superposition", without]]);
    say(verdict, !ready() ? "training…" : without && attacked > error
      ? `The attack costs ${((attacked - error) / without).toFixed(1)} times what any of length ${two(settings.size)} can cost a model with a hidden number for each feature.` : "No harm yet.");
    outputs.forEach((out, i) => {
      const before = clean.y[i];
      [before, hit.y[i]].forEach((value, k) => { out.children[k].style.width = `${(35 * Math.min(value, 1.5)).toFixed(1)}%`; });
      say(out.lastElementChild, `y${i} ${two(before)} → ${two(hit.y[i])}`);
      out.setAttribute("aria-label", `output ${i}: ${two(before)} before, ${two(hit.y[i])} under attack`);
    });
  }

  const state = () => {
    const { delta, hit, error, attacked } = attack();
    return { ...given(settings), ...(ready() ? parameters(model) : {}), delta, y: hit.y, error, attacked, ready: ready() };
  };

  let began = false;
  const stop = loop(box, (_passed, draws) => {
    if (!ready()) pentagon.work();
    else if (began) return;
    began = ready();
    if (draws || began) change({});
  });
  change({});
  return mounted(root, stop, { set: change, state });
}

// ---------------------------------------------------------------------------------- phase map

/** @type {Record<string, [number, number]>} */
const AXES = { density: [0.01, 1], ratio: [0.1, 10] };
const logPlace = (value, [low, high]) => Math.log(value / low) / Math.log(high / low);
const fromPlace = (place, [low, high]) => low * (high / low) ** place;

/** Mount a map of two features in one number, and a model to be carried across it. */
export function mountPhaseMap(root, options = {}) {
  const settings = { density: 0.5, ratio: 0.3, onstate: ignore, ...options };
  const [COLUMNS, LINES] = [32, 24];
  let here = finish(branches(settings.density, settings.ratio));
  let best = lowestOf(here);
  let { model: carried, loss } = here[best];
  let at = { ...settings }; // where `carried` is a minimum
  const cells = make("g", { class: "tu-cells" });
  const names = make("g");
  // The map is 2 wide and 1.5 high; its places run from 0 to 1.
  const map = make("svg", { viewBox: "-0.32 -1.6 2.42 1.92", class: "tu-map", role: "group", "aria-label": "map of phases" }, cells,
    make("rect", { x: 0, y: -1.5, width: 2, height: 1.5, class: "tu-frame" }), names, ...axisTexts());
  const spot = () => [2 * place().density, 1.5 * place().ratio];
  const clamp = (value) => Math.max(0, Math.min(1, value));
  const point = freeKnob(map, "density and importance", 0.07, spot, (x, y) =>
    change({ density: fromPlace(clamp(x / 2), AXES.density), ratio: fromPlace(clamp(y / 1.5), AXES.ratio) }));
  map.append(point);
  const numbers = readings();
  const verdict = announced("verdict");
  const show = (value) => value.toPrecision(2);
  const along = (text, name) => slide(text, "place", [0, 1, 0.01],
    ({ place }) => change({ [name]: fromPlace(place, AXES[name]) }), (place) => show(fromPlace(place, AXES[name])));
  const controls = { density: along("density p = 1 − S", "density"), ratio: along("importance of feature 1", "ratio") };
  const box = layout(root, "phases of two features in one number", {
    controls, buttons: [button("Take the lowest", () => { carried = here[best].model; change({}); })],
    help: "Drag the point across a border, or use the arrow keys. The model goes with it, downhill only.",
    picture: map, side: [verdict, numbers.list],
  });

  function axisTexts() {
    const text = (words, attributes) => make("text", { class: "tu-small", ...attributes }, words);
    const ticks = (axis, values, place) => values.map((value) => text(String(value), place(logPlace(value, axis))));
    return [
      ...ticks(AXES.density, [0.01, 0.1, 1], (t) => ({ x: 2 * t, y: 0.12, "text-anchor": "middle" })),
      ...ticks(AXES.ratio, [0.1, 1, 10], (t) => ({ x: -0.04, y: 0.03 - 1.5 * t, "text-anchor": "end" })),
      text("density p, log scale", { x: 1, y: 0.26, "text-anchor": "middle" }),
      text("importance of feature 1, log scale", { "text-anchor": "middle", transform: "translate(-0.23 -0.75) rotate(-90)" }),
    ];
  }

  const place = () => ({ density: logPlace(settings.density, AXES.density), ratio: logPlace(settings.ratio, AXES.ratio) });

  /** Take the model to the point, in steps short enough to keep to its valley; pauses often. */
  function* carry() {
    const [from, to] = [at, { ...settings }];
    const far = Math.max(...["density", "ratio"].map((name) => Math.abs(Math.log(to[name] / from[name]))));
    const count = Math.max(1, Math.ceil(far / 0.15));
    for (let k = 1; k <= count; k++) {
      const between = (name) => from[name] * (to[name] / from[name]) ** (k / count);
      const next = { ...carried, W: carried.W.slice(), b: carried.b.slice() };
      loss = yield* descend(next, 1 - between("density"), [1, between("ratio")]);
      [carried, at] = [next, { ...to, density: between("density"), ratio: between("ratio") }];
    }
    here = yield* branches(to.density, to.ratio);
    best = lowestOf(here);
    if (loss < here[best].loss) here[best] = { loss, model: carried };
  }

  function change(next) {
    Object.assign(settings, next);
    travelling = carry();
    refresh(controls, place());
    moveKnob(point, spot()[0], spot()[1], settings.density, `density ${show(settings.density)}, importance of feature 1 ${show(settings.ratio)}`);
    settings.onstate(state());
  }

  function draw() {
    const lowest = here[best].model;
    const weights = ({ W }) => Array.from(W, (value) => (Math.abs(value) < 0.005 ? 0 : value).toFixed(2)).join(" and ");
    numbers.show([["W carried along", weights(carried)], ["W lowest", weights(lowest)], ["loss carried along", digits(loss, 4)],
      // A branch that has run into another is no minimum of its own here.
      ...Object.entries(here).map(([name, { model, loss: value }]) => [`loss, ${name}`, nameBranch(model) === name ? digits(value, 4) : "no minimum here"])]);
    const [own, other] = [nameBranch(carried), nameBranch(lowest)];
    const above = loss / here[best].loss - 1;
    say(verdict, above < 1e-4 ? `Lowest here: ${other}. The model is there.`
      : `Lowest here: ${other}. The model has kept to its own valley (${own}), ${(100 * above).toFixed(above < 0.1 ? 1 : 0)} % above.`);
  }

  const state = () => ({
    ...given(settings), ...parameters(carried), loss,
    branch: nameBranch(carried), optimum: here[best].loss, optimum_branch: nameBranch(here[best].model), ready: !travelling,
  });

  /** Work the map out, pausing often. Its upper half is the lower with the features exchanged. */
  function* drawMap() {
    /** @type {Record<string, number[][]>} */
    const places = {};
    const NAMES = [...Object.keys(BRANCHES), "neither kept"];
    const put = (name, column, row) => {
      (places[name] ??= []).push([(column + 0.5) / COLUMNS, (row + 0.5) / LINES]);
      cells.append(make("rect", { x: (2 * column) / COLUMNS, y: (-1.5 * (row + 1)) / LINES, width: 2 / COLUMNS, height: 1.5 / LINES, fill: KINDS[NAMES.indexOf(name)] }));
    };
    for (let column = 0; column < COLUMNS; column++)
      for (let row = 0; row < LINES / 2; row++) {
        const point = [(column + 0.5) / COLUMNS, (row + 0.5) / LINES];
        const minima = yield* branches(fromPlace(point[0], AXES.density), fromPlace(point[1], AXES.ratio), NAMES.slice(0, 2), 3e-4);
        const name = nameBranch(minima[lowestOf(minima)].model);
        put(name, column, row);
        put(name.replace(/[01]/, (digit) => String(1 - Number(digit))), column, LINES - 1 - row);
      }
    for (const [name, list] of Object.entries(places)) {
      if (list.length < 12) continue;
      const middle = [0, 1].map((k) => list.reduce((sum, spot) => sum + spot[k], 0) / list.length);
      names.append(make("text", { class: "tu-small tu-region", x: Math.min(2 * middle[0], 1.6), y: -1.5 * middle[1] }, name));
    }
  }
  /** @type {Generator | null} */
  let travelling = carry();
  /** @type {Generator | null} */
  let mapping = drawMap();
  const stop = loop(box, () => {
    if (travelling) {
      stepFor(() => { if (travelling?.next().done) travelling = null; }, 2000);
      if (travelling) return;
      draw();
      settings.onstate(state());
    } else if (mapping) stepFor(() => { if (mapping?.next().done) mapping = null; }, 2000);
  });
  change({});
  draw();
  return mounted(root, stop, { set: change, state });
}

// ------------------------------------------------------------------------------------- solids

/** Mount features that arrange themselves in three dimensions. */
export function mountSolids(root, options = {}) {
  const settings = {
    n_features: 6, sparsity: 0.9, importance: "equal", seed: 0, running: true, view: [30, 20], onstate: ignore, ...options,
  };
  const TOTAL = 4000;
  let loss = NaN;
  const due = pace(500);
  let trainer = newTrainer();
  const main = plane();
  main.svg.classList.add("tu-turn");
  const shape = announced("shape", "strong");
  const numbers = readings();
  const degrees = (value) => `${value.toFixed(0)}°`;
  const controls = {
    sparsity: sparsitySlider(change),
    n_features: choice("features", "n_features", [4, 5, 6, 7, 8], change),
    turn: slide("turn", "turn", [-180, 180, 5], ({ turn }) => change({ view: [turn, settings.view[1]] }), degrees),
    tilt: slide("tilt", "tilt", [-90, 90, 5], ({ tilt }) => change({ view: [settings.view[0], tilt] }), degrees),
  };
  const play = playback(settings, change);
  const box = layout(root, "features in three dimensions", {
    controls, buttons: play.buttons,
    help: "Drag the picture to turn it, with a finger sideways only. Lines join the tips of neighbours.",
    picture: main.svg, side: [shape, numbers.list],
  });
  draggable(main.svg, main.svg, (x, y) => {
    const [turn, tilt] = settings.view;
    const round = (angle) => ((((angle + 180) % 360) + 360) % 360) - 180;
    return (toX, toY) => change({ view: [round(turn + 60 * (toX - x)), Math.max(-90, Math.min(90, tilt + 60 * (y - toY)))] });
  }, true);

  function newTrainer() {
    const { n_features: n, sparsity, importance, seed } = settings;
    return new Trainer({ n, m: 3, sparsity, importance, seed });
  }

  function change(next) {
    const again = differs(next, settings, ["n_features", "sparsity", "importance", "seed"]);
    Object.assign(settings, next);
    const [turn, tilt] = settings.view;
    refresh(controls, { ...settings, turn, tilt });
    if (again) trainer = newTrainer();
    report();
  }

  /** Return every direction as it is seen: [right, up, towards the reader]. */
  function seen() {
    const [turn, tilt] = settings.view.map((angle) => (angle * Math.PI) / 180);
    return columns(trainer.model).map(([x, y, z]) => {
      const [right, away] = [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)];
      return [right, z * Math.cos(tilt) + away * Math.sin(tilt), z * Math.sin(tilt) - away * Math.cos(tilt)];
    });
  }

  function draw() {
    play.name();
    const places = seen();
    const kept = times(places.length).filter((i) => Math.hypot(...places[i]) > 0.5);
    const edges = neighbours(kept.map((i) => places[i])).map((pair) => pair.map((k) => kept[k]));
    const shade = (depth) => (0.65 + 0.3 * Math.max(-1, Math.min(1, depth))).toFixed(2);
    const parts = [
      ...edges.map(([i, j]) => ({ depth: (places[i][2] + places[j][2]) / 2, draw: (opacity) =>
        make("line", { class: "tu-edge", opacity, x1: places[i][0], y1: -places[i][1], x2: places[j][0], y2: -places[j][1] }) })),
      ...places.map((place, i) => ({ depth: place[2], draw: (opacity) => {
        const [x, y] = [place[0], -place[1]];
        const out = 1 + 0.16 / Math.max(Math.hypot(x, y), SHORTEST);
        const gone = Math.hypot(...place) < SHORTEST;
        return make("g", { opacity },
          make("line", { x1: 0, y1: 0, x2: x, y2: y, stroke: featureColor(i), "stroke-width": 0.03 }),
          ...(gone ? [] : [make("circle", { cx: x, cy: y, r: 0.06 + 0.02 * place[2], fill: featureColor(i) }),
            make("text", { class: "tu-name", x: x * out, y: y * out }, String(i))]));
      } })),
    ];
    main.group.replaceChildren(...parts.sort((a, b) => a.depth - b.depth).map((part) => part.draw(shade(part.depth))));
    const name = nameSolid(trainer.model);
    say(shape, name);
    main.describe(`${settings.n_features} feature directions in three dimensions: ${name}`);
    numbers.show([["step", `${trainer.steps} of ${TOTAL}`], ["loss", loss], ["answering zero", lossOfZero(settings.sparsity, trainer.importance)]]);
  }

  const state = () => ({
    ...given(settings), ...parameters(trainer.model),
    loss, step: trainer.steps, shape: nameSolid(trainer.model),
  });
  const report = () => {
    loss = expectedLoss(trainer.model, settings.sparsity, trainer.importance);
    draw();
    settings.onstate(state());
  };
  const often = twiceASecond(report);

  const stop = loop(box, (passed, draws) => {
    if (!settings.running || trainer.steps >= TOTAL) return;
    due(passed, () => trainer.anneal(1, TOTAL, 0.02));
    const over = trainer.steps >= TOTAL;
    if (over) report();
    else if (draws) draw();
    often(passed);
  });
  change({});
  return mounted(root, stop, { set: change, state });
}

// --------------------------------------------------------------------------------- dictionary

/** Mount a sparse autoencoder that looks for a trained pentagon's directions. */
export function mountDictionary(root, options = {}) {
  const settings = { n_latents: 8, k: 1, seed: 0, running: true, W: NONE, b: NONE, onstate: ignore, ...options };
  const [SPARSITY, TOTAL, LEAST] = [0.97, 3000, 0.99]; // LEAST: the cosine of a find
  const due = pace(600);
  /** @type {Model} */
  let model = givenModel(settings) ?? pentagon.work();
  let begun = false; // whether the model is trained and the dictionary may begin
  let dictionary = new Dictionary();
  let random = makeRandom(0);
  let sample = drawStates(model, SPARSITY, 500, makeRandom(1));
  let score = measure();
  const main = plane();
  const cloud = make("path", { class: "tu-cloud" });
  const truth = make("g", { class: "tu-truth" });
  main.group.before(cloud, truth);
  const verdict = announced("shape", "strong");
  const numbers = readings();
  const controls = {
    n_latents: slide("latents", "n_latents", [2, 12, 1], change, String),
    k: slide("kept at once, k", "k", [1, 4, 1], change, String),
  };
  const play = playback(settings, change);
  const box = layout(root, "a dictionary for the pentagon", {
    controls, buttons: play.buttons,
    help: "Dots: hidden states of a trained pentagon. Pale: its directions, which the dictionary is not told. Arrows: latents, in the colour of the feature that they match, else grey.",
    picture: main.svg, side: [verdict, numbers.list],
  });

  function begin() {
    model = givenModel(settings) ?? pentagon.work();
    begun = !!settings.W || pentagon.done;
    if (begun) restart();
  }

  function restart() {
    random = makeRandom(settings.seed);
    dictionary = new Dictionary({ inputs: 2, latents: settings.n_latents, k: Math.min(settings.k, settings.n_latents), seed: settings.seed });
    sample = drawStates(model, SPARSITY, 500, makeRandom(1));
    cloud.setAttribute("d", sample.states.map(([x, y]) => `M${x.toFixed(3)} ${(-y).toFixed(3)}h0`).join(""));
    drawArrows(truth, model, 0.15);
    score = measure();
  }

  /** Return how the dictionary fares on a fixed sample. */
  function measure() {
    const latents = sample.states.map((h) => dictionary.latent(h));
    const live = times(dictionary.latents, (j) => latents.some((f) => f[j] > 0));
    const matches = matchLatents(dictionary, model, live);
    const mean = (value) => latents.reduce((sum, f, point) => sum + sample.weights[point] * value(f, point), 0);
    const centre = times(2, (k) => mean((_f, point) => sample.states[point][k]));
    const off = (a, c) => a.reduce((sum, value, k) => sum + (value - c[k]) ** 2, 0);
    const unexplained = mean((f, point) => off(dictionary.decode(f), sample.states[point])) / mean((_f, point) => off(sample.states[point], centre));
    const recovered = matches.filter(({ cosine }) => cosine >= LEAST).length;
    return { live, matches, unexplained, recovered };
  }

  function change(next) {
    const again = differs(next, settings, ["n_latents", "k", "seed"]);
    Object.assign(settings, next);
    refresh(controls, settings);
    if ("W" in next || "b" in next) begin();
    else if (again && begun) restart();
    draw();
    report();
  }

  function draw() {
    play.name();
    if (!begun) {
      drawArrows(truth, model, 0.15);
      say(verdict, "the pentagon is trained…");
      return;
    }
    const { latents, decoder } = dictionary;
    const owner = times(latents, (j) => score.matches.findIndex(({ latent, cosine }) => latent === j && cosine >= LEAST));
    const W = Float64Array.from([...times(latents, (j) => decoder[2 * j]), ...times(latents, (j) => decoder[2 * j + 1])]);
    drawArrows(main.group, { n: latents, W }, 0, (j) => (owner[j] < 0 ? "#8a8a8a" : featureColor(owner[j])));
    times(latents, (j) => main.group.children[j].setAttribute("opacity", score.live[j] ? "1" : "0.3"));
    const n = model.n;
    say(verdict, `${score.recovered} of ${n} directions found`);
    main.describe(`${latents} latents for ${n} directions; ${score.recovered} found`);
    numbers.show([["step", `${dictionary.steps} of ${TOTAL}`],
      ["found, cosine ≥ 0.99", `${score.recovered} of ${n}; by chance ${(n * chanceOfMatch(latents, LEAST)).toFixed(1)}`],
      ["latents that never fire", String(score.live.filter((fires) => !fires).length)],
      ["variance unexplained", `${(100 * score.unexplained).toFixed(1)} %`]]);
  }

  const state = () => ({
    ...given(settings), ...(begun ? parameters(model) : {}),
    W_dec: times(dictionary.latents, (j) => Array.from(dictionary.decoder.subarray(2 * j, 2 * j + 2))), step: dictionary.steps,
    recovered: score.recovered / model.n, unexplained: score.unexplained, ready: begun,
  });
  const report = () => settings.onstate(state());
  const look = () => { score = measure(); report(); };
  const often = twiceASecond(look);

  const stop = loop(box, (passed, draws) => {
    if (!begun) {
      begin();
      if (draws || begun) draw();
      return;
    }
    if (!settings.running || dictionary.steps >= TOTAL) return;
    due(passed, () => {
      if (dictionary.steps >= TOTAL) return;
      const { states, weights } = drawStates(model, SPARSITY, 128, random);
      dictionary.step(states, weights, (0.003 * (1 + Math.cos((Math.PI * dictionary.steps) / TOTAL))) / 2);
    });
    const over = dictionary.steps >= TOTAL;
    if (over) look();
    else often(passed);
    if (draws || over) draw();
  });
  begin();
  change({});
  return mounted(root, stop, { set: change, state });
}

// ------------------------------------------------------------------------------------ a story

const WORDS = {
  feature: "Something an input may contain: a number between 0 and 1, or nothing at all.",
  "hidden number": "What the inner layer holds. Here there are two, for all features together.",
  sparsity: "The chance S that a feature is absent from an example.",
  represented: "A feature is represented if its arrow is longer than one half.",
  importance: "How much an error in a feature counts. With 0.9^i, each feature counts a tenth less than the one before.",
  loss: "The squared error of the answers, times importance, on average. Training makes it small.",
  bias: "A number added to each output before the ReLU. A negative one keeps weak signals quiet.",
  ReLU: "The last step of the model: what is negative becomes zero.",
  superposition: "More features represented than there are hidden numbers.",
  seed: "Where random numbers begin: another seed, another start and other examples.",
  "local minimum": "A place from which every small step leads up; a lower one may lie further off.",
  "WᵀW": "The table of how much each feature's arrow points along each other's.",
};

/** Return text as nodes; [word] becomes a button that calls `explain(word)`. */
function withWords(text, explain) {
  return text.split(/\[([^\]]+)\]/).map((part, k) => {
    if (k % 2 === 0) return part;
    const word = Object.keys(WORDS).find((key) => part.toLowerCase().startsWith(key.toLowerCase())) ?? part;
    return make("button", { type: "button", class: "tu-word", onclick: () => explain(word) }, part);
  });
}

const keptIn = ({ W }, least = 0.5) => times(W[0].length).filter((i) => Math.hypot(W[0][i], W[1][i]) > least);
const percent = (value) => `${Math.round(100 * value)} %`;
const pentagons = (app) => app.many().filter((t) => nameShape(t.model) === "pentagon").length;
/** Tell whether the twenty have taken 1500 steps at sparsity S since step `from`. */
const trained = (app, S, from = 0) => app.state().sparsity === S && app.many()[0]?.steps >= from + 1500;
const begin = (app, sparsity) => app.set({ start_anew: true, n_features: 5, importance: "0.9^i", sparsity, running: true });
const begin20 = (app) => { begin(app, 0.7); app.twenty(); app.set({ start_anew: false }); };

/**
 * The sentences: `say`, what is set when it appears (`begin`), when it is `done`, the `reply` then.
 * With `act`, a guess out of twenty comes first. Every number is that of the models on the page.
 */
const STORY = [
  {
    say: "Five [features] have to pass through two [hidden numbers]. Each arrow shows where one feature points in the plane of the two. At [sparsity] S = 0 every feature is always there. Watch.",
    begin: (app) => begin(app, 0),
    done: (state) => state.shape === "orthogonal pair, 3 dropped" && keptIn(state, 0.1).length === 2,
    reply: (state) => `Two arrows survive, those of features ${keptIn(state).join(" and ")}, at a right angle. The others are almost gone: they have less [importance].`,
    notebook: "00_start_here",
  },
  {
    say: "Now make the features rarer: drag S to about 0.7. Training begins anew each time.",
    done: (state) => state.sparsity >= 0.5 && state.step > 400 && keptIn(state).length > 2,
    reply: (state) => `${keptIn(state).length} arrows in two numbers. Opposite features share a line, and the [ReLU] tells them apart: each is silent while the other speaks.`,
    notebook: "03_one_relu",
  },
  {
    say: "And on, to S = 0.97.",
    done: (state) => state.sparsity >= 0.9 && state.shape === "pentagon" && state.step > 400,
    reply: (state) => `A pentagon: all five features are [represented] in two numbers. This is [superposition]. Its [loss] is ${percent(state.loss / lossOfZero(state.sparsity, importances(state.importance, 5)))} of what it costs to answer zero.`,
    notebook: "05_the_pentagon",
  },
  {
    say: "Was that luck? Twenty models start from twenty [seeds] at S = 0.97. How many will end as pentagons? Guess first.",
    begin: (app) => begin(app, 0.97),
    act: (app) => app.twenty(),
    done: (_state, _memory, app) => trained(app, 0.97),
    reply: (_state, memory, app) => { memory.fresh = pentagons(app); return `You guessed ${memory.guess}. It is ${memory.fresh}.`; },
    notebook: "00_start_here",
  },
  {
    say: "Second act. So far every move of S began anew. These twenty begin at S = 0.7, and from here on they keep what they have learned.",
    begin: begin20,
    done: (_state, _memory, app) => trained(app, 0.7),
    reply: (_state, _memory, app) => `At S = 0.7, ${app.many().filter((t) => keptIn({ W: rows(t.model) }).length === 4).length} of 20 keep four features and leave one out.`,
    notebook: "05_the_pentagon",
  },
  {
    say: "Now S moves to 0.97 without a new start. How many of the twenty will turn into pentagons? Guess first.",
    begin: (app) => { if (!app.many().length || app.state().sparsity !== 0.7) begin20(app); },
    act: (app, memory) => { memory.from = app.many()[0].steps; app.set({ start_anew: true, sparsity: 0.97, running: true }); },
    done: (_state, memory, app) => trained(app, 0.97, memory.from) && app.best().done,
    reply: (_state, memory, app) => {
      const others = app.many().filter((t) => nameShape(t.model) !== "pentagon");
      const losses = others.map((t) => expectedLoss(t.model, 0.97, t.importance)).sort((a, b) => a - b);
      const fresh = memory.fresh ? `; with a new start at the same S it was ${memory.fresh}` : "";
      const dearer = losses.length ? ` The others cost ${percent(losses[losses.length >> 1] / app.best().loss - 1)} more than the best known model, yet stay: each is in a [local minimum].` : "";
      return `You guessed ${memory.guess}. It is ${pentagons(app)}${fresh}.${dearer} Where a model ends depends on where it comes from. Try the way back: how far down does a pentagon hold?`;
    },
    notebook: "09_phase_change",
  },
  {
    say: "That was gradient descent. Can you place the arrows as well by hand? The game is next on this page.",
    done: () => true, reply: () => "", notebook: "04_by_hand",
  },
];

/** Mount the story that leads through the pentagon `app`. Options: `notebooks`, their folder's address. */
export function mountStory(root, app, options = /** @type {any} */ ({})) {
  const { notebooks = "" } = options;
  /** @type {any} */
  const memory = {};
  let [step, done, acted] = [0, false, false];
  const sentence = announced("say");
  const answer = announced("answer");
  const meaning = make("p", { class: "tu-meaning", role: "status" });
  const guess = make("input", { type: "number", min: 0, max: 20, step: 1, inputmode: "numeric" });
  const asking = make("form", { class: "tu-ask", onsubmit: (event) => { event.preventDefault(); act(); } });
  const link = make("a", { target: "_blank", rel: "noopener" });
  const back = button("Back", () => go(step - 1));
  const next = button("Next", () => go(step + 1));
  const count = make("span", { class: "tu-count" });
  const explain = (word) => meaning.replaceChildren(make("strong", {}, word), `: ${WORDS[word]}`);
  const box = make("div", { ...BOX, class: "tu-live tu-story", "aria-label": "the story" }, sentence, asking, answer,
    make("div", { class: "tu-buttons" }, back, next, count, link),
    make("p", { class: "tu-glossary" }, "Words: ", ...Object.keys(WORDS).flatMap((word) => withWords(`[${word}] `, explain))), meaning);
  root.replaceChildren(box);

  function go(to) {
    step = Math.max(0, Math.min(STORY.length - 1, to));
    [done, acted] = [false, false];
    const { say: words, notebook, ...part } = STORY[step];
    sentence.replaceChildren(...withWords(words, explain));
    answer.replaceChildren();
    asking.replaceChildren(...(part.act ? [labelled("my guess, out of 20", guess), make("button", {}, "Keep my guess and run")] : []));
    guess.value = "";
    back.disabled = step === 0;
    next.disabled = step === STORY.length - 1;
    next.classList.remove("tu-ready");
    say(count, `${step + 1} of ${STORY.length}`);
    link.href = `${notebooks}${notebook}.ipynb`;
    say(link, notebooks ? `explained in notebook ${notebook.slice(0, 2)}` : "");
    part.begin?.(app);
  }

  function act() {
    const value = Math.round(Number(guess.value));
    if (guess.value === "" || !(value >= 0 && value <= 20)) {
      say(answer, "Give a whole number from 0 to 20.");
      return;
    }
    memory.guess = value;
    acted = true;
    say(answer, "Training…");
    STORY[step].act?.(app, memory);
  }

  const stop = loop(box, () => {
    const part = STORY[step];
    const state = app.state();
    if (done || (part.act && !acted) || !part.done(state, memory, app)) return;
    done = true;
    answer.replaceChildren(...withWords(part.reply(state, memory, app), explain));
    next.classList.add("tu-ready");
  });
  go(0);
  return mounted(root, stop, { set: ({ step: to }) => go(to), state: () => ({ step, done, memory: { ...memory } }) });
}

// ------------------------------------------------------------------------ the widgets' front end

const MOUNTS = {
  pentagon: mountPentagon, drag: mountDrag, attack: mountAttack, phase: mountPhaseMap, solids: mountSolids, dictionary: mountDictionary,
};

/** What anywidget calls: mount the app that the Python object names, and keep both in step. */
export default {
  render({ model, el }) {
    const inputs = model.get("inputs");
    const given = Object.fromEntries(inputs.map((name) => [name, model.get(name)]));
    let own = false; // a change that comes from here is no order
    const app = MOUNTS[model.get("kind")](el, {
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
