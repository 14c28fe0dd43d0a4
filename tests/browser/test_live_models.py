"""What the live apps compute, against toyutils: fifty random cases each, and shares over seeds."""

import math
from collections import Counter

import pytest
import torch

from toyutils import exact, geometry, optima
from toyutils.features import Batch, FixedPoints, IndependentFeatures
from toyutils.models import HiddenStates, ReLUModel, SparseAutoencoder
from toyutils.training import train

N_CASES = 50


def random_model(seed, n=None, m=None, scale=0.8):
    """Return a random W (hidden, feature) and b (feature,), of random sizes unless given."""
    random = torch.Generator().manual_seed(seed)
    n = n or int(torch.randint(2, 9, (1,), generator=random))
    m = m or int(torch.randint(1, 4, (1,), generator=random))
    W = scale * torch.randn(m, n, generator=random, dtype=torch.float64)
    return W, 0.3 * torch.randn(n, generator=random, dtype=torch.float64)


def plain(W, b):
    """Return a model as the module's `given` takes it."""
    return dict(n=W.shape[1], m=W.shape[0], W=W.flatten().tolist(), b=b.tolist())


def relu_model(W, b):
    model = ReLUModel(W.shape[1], W.shape[0]).double().requires_grad_(False)
    model.W.copy_(W)
    model.b.copy_(b)
    return model


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def test_loss_gradient_and_answers_are_those_of_toyutils(module):
    cases, expected = [], []
    for seed in range(N_CASES):
        W, b = random_model(seed)
        n = W.shape[1]
        x = IndependentFeatures(n, 0.5).sample(20, generator=torch.Generator().manual_seed(seed))
        model, batch = relu_model(W, b), FixedPoints(x.double()).batch()
        importance = 0.9 ** torch.arange(n, dtype=torch.float64)
        loss = model.loss(batch, importance)
        by_W, by_b = model.gradients(batch, importance[None])
        y = model(batch.x)[0, 0]
        cases.append([plain(W, b), x.flatten().tolist()])
        expected.append(torch.cat([loss, by_W.flatten(), by_b.flatten(), y]))
    results = module.evaluate(
        """cases => cases.map(([model, x]) => {
            const importance = live.importances("0.9^i", model.n);
            const r = live.lossAndGradient(given(model), x, 20, importance);
            return [r.loss, ...r.dW, ...r.db, ...live.forward(given(model), x.slice(0, model.n)).y];
        })""",
        cases,
    )
    for result, reference in zip(results, expected, strict=True):
        assert torch.allclose(double(result), reference, atol=1e-12)


def test_exact_loss_is_that_of_toyutils(module):
    cases, expected = [], []
    for seed in range(N_CASES):
        W, b = random_model(seed, scale=(0.8, 0.3, 1e-4)[seed % 3])
        if seed % 5 == 0:
            W[:, 0] = 0  # also a feature without a direction
        sparsity = (0, 0.5, 0.9, 0.99)[seed % 4]
        importance = 0.7 ** torch.arange(W.shape[1], dtype=torch.float64)
        cases.append([plain(W, b), sparsity])
        expected.append(exact.expected_loss(W, b, sparsity, importance).item())
    results = module.evaluate(
        """cases => cases.map(([model, sparsity]) =>
            live.expectedLoss(given(model), sparsity, live.importances("0.7^i", model.n)))""",
        cases,
    )
    assert results == pytest.approx(expected, abs=1e-9, rel=1e-6)


def test_fitted_biases_are_the_best(module):
    for seed in range(4):
        W, b = random_model(seed, 4, 2)
        fitted = double(
            module.evaluate(
                "m => { m = given(m); live.fitBiases(m, 0.8); return [...m.b]; }", plain(W, b)
            )
        )
        lowest = exact.expected_loss(W, fitted, 0.8)
        for i in range(4):  # one output's bias does not touch another's loss
            others = fitted.repeat(401, 1)
            others[:, i] = torch.linspace(-1.5, 1, 401)
            assert exact.expected_loss(W.expand(401, 2, 4), others, 0.8).min() >= lowest - 1e-7


def test_descent_ends_in_the_minimum_of_its_valley(module):
    """The same starts, small steps: the same minimum as toyutils finds, to rounding."""
    starts = [random_model(seed, 3, 2, 0.6) for seed in range(12)]
    results = module.evaluate(
        """starts => starts.map(m => { m = given(m);
            const loss = live.finish(live.descend(m, 0.9, [1, 1, 1]));
            return [loss, [...m.W], [...m.b]]; })""",
        [plain(W, b) for W, b in starts],
    )
    for (W, b), (loss, end_W, end_b) in zip(starts, results, strict=True):
        end_W, end_b = double(end_W).reshape(2, 3), double(end_b)
        assert exact.expected_loss(end_W, end_b, 0.9).item() == pytest.approx(loss, abs=1e-9)
        assert loss <= exact.expected_loss(W, b, 0.9).item()
        # Nothing lower is near: toyutils' own descent, from there, gains nothing.
        again = exact.expected_loss(*optima.descend(end_W, end_b, 0.9, max_step=0.02), 0.9)
        assert again.item() == pytest.approx(loss, rel=2e-3)


def test_names_and_lengths_are_those_of_toyutils(module):
    cases = [random_model(seed, n, 2)[0] for n in (2, 3, 5, 8) for seed in range(12)]
    for k in (2, 3, 4, 5, 6, 8):
        angle = 0.3 + 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
        cases.append(1.1 * torch.stack([angle.cos(), angle.sin()]))
        cases.append(torch.cat([cases[-1], cases[-1][:, :1], torch.zeros(2, 1)], 1))
    results = module.evaluate(
        """models => models.map(given).map(m =>
            [live.nameShape(m), [...live.featureNorms(m)], live.interference(m)])""",
        [plain(W, torch.zeros(W.shape[1])) for W in cases],
    )
    for W, (name, norms, parts) in zip(cases, results, strict=True):
        assert name == str(geometry.name_shape(W))
        assert norms == pytest.approx(geometry.feature_norms(W).tolist(), abs=1e-12)
        both = [part["costly"] + part["free"] for part in parts]
        assert both == pytest.approx(geometry.interference(W).tolist(), abs=1e-12)


def test_interference_tells_what_costs_from_what_is_free(module):
    """With one feature on, only neighbours nearer than 90° are answered by mistake."""
    W = torch.tensor([[1.0, -1, 0, 0], [0, 0, 1, 0.5]], dtype=torch.float64)
    parts = module.evaluate("m => live.interference(given(m))", plain(W, torch.zeros(4)))
    assert [part["free"] for part in parts] == [1, 1, 0, 0]
    assert [part["costly"] for part in parts] == pytest.approx([0, 0, 0.25, 1])


def test_points_are_drawn_given_that_some_feature_is_active(module):
    x = module.evaluate(
        """() => { const x = new Float64Array(4 * 50000);
                   live.sampleActive(x, 4, 0.2, live.makeRandom(3)); return Array.from(x); }"""
    )
    x = torch.tensor(x).reshape(-1, 4)
    some = 1 - 0.8**4
    assert (x.gt(0).any(1)).all()
    assert torch.allclose(x.gt(0).double().mean(0), torch.tensor(0.2 / some).double(), atol=0.01)
    assert torch.allclose(x.mean(0).double(), torch.tensor(0.1 / some).double(), atol=0.006)
    both = (x[:, 0].gt(0) & x[:, 3].gt(0)).double().mean().item()
    assert both == pytest.approx(0.04 / some, abs=0.005)


def assert_same_shares(one, other):
    """Every outcome's share within four standard errors of the other sample's."""
    for name in {*one, *other}:
        n = sum(one.values())
        share = (one[name] + other[name]) / (2 * n)
        error = math.sqrt(2 * share * (1 - share) / n)
        assert abs(one[name] - other[name]) / n <= 4 * error, (name, one, other)


@pytest.mark.weekly
@pytest.mark.parametrize("sparsity", [0, 0.7, 0.9, 0.97])
def test_shapes_over_200_seeds_agree_with_pytorch(module, sparsity):
    """Same recipe, other random numbers: every shape's share within its sampling error."""
    names = module.evaluate(
        f"""() => Array.from({{length: 200}}, (_, seed) => {{
            const t = new live.Trainer({{sparsity: {sparsity}, seed, batchSize: 64}});
            t.step(1500);
            return live.nameShape(t.model);
        }})"""
    )
    model = ReLUModel(5, 2, 200)
    train(model, IndependentFeatures(5, sparsity), n_steps=1500, batch_size=64,
          learning_rate=1e-2, optimizer="adam", record_at=1, progress=False)  # fmt: skip
    by_pytorch = Counter(str(geometry.name_shape(W)) for W in model.W.detach())
    assert_same_shares(Counter(names), by_pytorch)


# ------------------------------------------------------------------------------------- attack


def test_the_perturbation_is_the_shortest_and_its_harm_that_of_toyutils(module):
    cases, expected = [], []
    random = torch.Generator().manual_seed(5)
    for seed in range(N_CASES):
        W, b = random_model(seed, 5, 2)
        push = 0.5 * torch.randn(2, generator=random, dtype=torch.float64)
        x = torch.rand(5, generator=random, dtype=torch.float64)
        delta = torch.linalg.pinv(W) @ push
        y = relu_model(W, b)((x + delta)[None, None])[0, 0]
        cases.append([plain(W, b), push.tolist(), x.tolist()])
        expected.append([*delta.tolist(), (x - y).square().mean().item()])
    results = module.evaluate(
        """cases => cases.map(([m, push, x]) => { m = given(m);
            const delta = live.perturbation(m, push);
            return [...delta, live.attackedError(m, x, delta)]; })""",
        cases,
    )
    for result, reference in zip(results, expected, strict=True):
        assert result == pytest.approx(reference, abs=1e-9)


def test_no_perturbation_of_that_length_does_more_harm_than_the_worst(module):
    """The worst is looked for among pushes of the hidden numbers; the rest of x is not seen."""
    random = torch.Generator().manual_seed(7)
    for seed in range(8):
        W, b = random_model(seed, 5, 2)
        x = torch.rand(5, generator=random, dtype=torch.float64)
        worst = module.evaluate(
            "([m, x]) => live.worstPush(given(m), x, 0.3)", [plain(W, b), x.tolist()]
        )
        length = (torch.linalg.pinv(W) @ double(worst["push"])).norm().item()
        assert length == pytest.approx(0.3, abs=1e-9)
        delta = torch.randn(20_000, 5, generator=random, dtype=torch.float64)
        delta = 0.3 * delta / delta.norm(dim=1, keepdim=True)
        y = relu_model(W, b)((x + delta)[None])[0]
        assert (x - y).square().mean(1).max().item() <= worst["error"] * (1 + 1e-4)


# ---------------------------------------------------------------------------------- phase map


def test_branches_are_minima_and_the_lowest_is_the_best_known(module):
    """Fifty points of the map: the exact loss of each branch, and the optimum of many starts."""
    random = torch.Generator().manual_seed(9)
    density = 10 ** (-2 * torch.rand(N_CASES, generator=random, dtype=torch.float64))
    ratio = 10 ** (2 * torch.rand(N_CASES, generator=random, dtype=torch.float64) - 1)
    points = list(zip(density.tolist(), ratio.tolist(), strict=True))
    results = module.evaluate(
        """points => points.map(([p, r]) => Object.values(live.finish(live.branches(p, r)))
            .map(({model, loss}) => [loss, [...model.W], [...model.b]]))""",
        points,
    )
    importance = torch.stack([torch.ones_like(ratio), ratio], 1)
    best = optima.best_relu_model(2, 1, 1 - density, importance, n_restarts=16).loss
    for (p, r), branches, lowest in zip(points, results, best.tolist(), strict=True):
        for loss, W, b in branches:
            reference = exact.expected_loss(double(W)[None], double(b), 1 - p, double([1, r]))
            assert loss == pytest.approx(reference.item(), abs=1e-9)
        assert min(loss for loss, *_ in branches) == pytest.approx(lowest, rel=1e-3)


# ------------------------------------------------------------------------------------- solids


def solid_name(W):
    """Name the solid of the kept directions by toyutils' shapes, else the Gram graph's parts."""
    kept = W[:, geometry.represented(W)]
    n_dropped = [f"{W.shape[1] - kept.shape[1]} dropped"] if kept.shape[1] < W.shape[1] else []
    unit = kept / geometry.feature_norms(kept)
    pairs = torch.ones(unit.shape[1], unit.shape[1], dtype=torch.bool).triu(1)
    cosines = geometry.gram(unit)[pairs].sort().values
    for name, ideal in geometry.SHAPES.items():
        if ideal.shape[1] == unit.shape[1]:
            reference = geometry.gram(ideal.to(W))[pairs].sort().values
            if (cosines - reference).abs().max() <= 0.15:
                return ", ".join([name, *n_dropped])
    counts = Counter(part.name for part in geometry.gram_components(W))
    parts = [f"{count} × {name}" if count > 1 else name for name, count in counts.items()]
    return ", ".join([*sorted(parts), *n_dropped])


def in_order(name):
    """Return the name with its parts in alphabetical order, what is dropped last."""
    parts = name.split(", ")
    return ", ".join(sorted(parts, key=lambda part: (part.endswith("dropped"), part)))


def test_solids_have_the_names_and_neighbours_of_toyutils_shapes(module):
    random = torch.Generator().manual_seed(3)
    cases = [random_model(seed, n, 3, 0.9)[0] for n in range(4, 9) for seed in range(6)]
    n_edges = {"tetrahedron": 6, "triangular bipyramid": 9, "octahedron": 12,
               "pentagonal bipyramid": 15, "square antiprism": 16}  # fmt: skip
    for name in n_edges:
        turn = torch.linalg.qr(torch.randn(3, 3, generator=random, dtype=torch.float64)).Q
        for noise in (0, 0.02):
            W = turn @ geometry.SHAPES[name].double()
            cases.append(W + noise * torch.randn(W.shape, generator=random, dtype=torch.float64))
        cases.append(torch.cat([cases[-2], torch.zeros(3, 1)], 1))
    cases.append(torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0], [0, 0, 0, 0, 1]]).double())
    results = module.evaluate(
        """models => models.map(given).map(m => live.nameSolid(m))""",
        [plain(W, torch.zeros(W.shape[1])) for W in cases],
    )
    assert [in_order(name) for name in results] == [solid_name(W) for W in cases]
    assert {*n_edges, "2 × antipodal pair, alone"} <= set(results)
    for name, count in n_edges.items():
        columns = geometry.SHAPES[name].T.tolist()
        assert module.evaluate("points => live.neighbours(points).length", columns) == count


@pytest.mark.weekly
@pytest.mark.parametrize("n", [4, 5, 6, 7, 8])
def test_solids_over_100_seeds_agree_with_pytorch(module, n):
    names = module.evaluate(
        f"""() => Array.from({{length: 100}}, (_, seed) => {{
            const t = new live.Trainer({{n: {n}, m: 3, sparsity: 0.9, seed, batchSize: 64}});
            t.anneal(2500, 2500, 0.02);
            return live.nameSolid(t.model);
        }})"""
    )
    model = ReLUModel(n, 3, 100)
    train(model, IndependentFeatures(n, 0.9), n_steps=2500, batch_size=64, learning_rate=2e-2,
          schedule="cosine", optimizer="adam", record_at=1, progress=False)  # fmt: skip
    by_pytorch = Counter(solid_name(W) for W in model.W.detach().double())
    assert_same_shares(Counter(map(in_order, names)), by_pytorch)


# --------------------------------------------------------------------------------- dictionary


def test_the_dictionary_has_the_loss_and_gradient_of_toyutils(module):
    cases, expected = [], []
    for seed in range(N_CASES):
        random = torch.Generator().manual_seed(seed)
        n_latents, k = 2 + seed % 11, 1 + seed % 2
        sae = SparseAutoencoder(2, n_latents, k=k, seed=seed).double()
        with torch.no_grad():
            for parameter in sae.parameters():
                shift = torch.randn(parameter.shape, generator=random, dtype=torch.float64)
                parameter.add_(0.3 * shift)
        h = torch.randn(1, 20, 2, generator=random, dtype=torch.float64)
        weight = torch.rand(1, 20, generator=random, dtype=torch.float64)
        weight /= weight.sum()
        loss = sae.loss(Batch(h, weight))
        loss.sum().backward()
        slopes = [sae.W_enc.grad[0].mT, sae.b_enc.grad[0], sae.W_dec.grad[0], sae.b_dec.grad[0]]
        expected.append(torch.cat([loss.detach(), *(slope.flatten() for slope in slopes)]))
        values = [sae.W_enc[0].mT, sae.b_enc[0], sae.W_dec[0], sae.b_dec[0]]
        values = [value.flatten().tolist() for value in values]
        cases.append([n_latents, k, values, h[0].tolist(), weight[0].tolist()])
    results = module.evaluate(
        """cases => cases.map(([latents, k, values, states, weights]) => {
            const d = new live.Dictionary({latents, k});
            [d.encoder, d.encoderBias, d.decoder, d.decoderBias].forEach((part, i) =>
                part.set(values[i]));
            const {loss, slopes} = d.lossAndGradient(states, weights);
            return [loss, ...slopes.flatMap(part => [...part])];
        })""",
        cases,
    )
    for result, reference in zip(results, expected, strict=True):
        assert torch.allclose(double(result), reference, atol=1e-9)


def recovered(rows, directions, fires, threshold=0.99):
    """Return how many directions (feature, 2) a live latent of `rows` (latent, 2) stands for."""
    cosine = (
        torch.nn.functional.normalize(rows, dim=1)
        @ torch.nn.functional.normalize(directions, dim=1).mT
    )
    cosine = cosine.masked_fill(~fires[:, None], -1)
    own = torch.nn.functional.one_hot(cosine.argmax(1), len(directions)).bool()
    return int((cosine.masked_fill(~own, -1).max(0).values >= threshold).sum())


def test_latents_are_matched_by_signed_cosine(module):
    for seed in range(N_CASES):
        W, b = random_model(seed, 5, 2)
        random = torch.Generator().manual_seed(seed)
        rows = torch.randn(2 + seed % 11, 2, generator=random, dtype=torch.float64)
        fires = torch.rand(len(rows), generator=random) < 0.8
        matches = module.evaluate(
            """([latents, rows, m, fires]) => {
                const d = new live.Dictionary({latents});
                d.decoder.set(rows);
                return live.matchLatents(d, given(m), fires);
            }""",
            [len(rows), rows.flatten().tolist(), plain(W, b), fires.tolist()],
        )
        for threshold in (0.7, 0.9, 0.99):
            n_matched = sum(match["cosine"] >= threshold for match in matches)
            assert n_matched == recovered(rows, W.T, fires, threshold)


def test_chance_of_a_match_is_that_of_random_directions(module):
    random = torch.Generator().manual_seed(1)
    rows = torch.randn(40_000, 8, 2, generator=random)
    cosine = torch.nn.functional.normalize(rows, dim=2)[:, :, 0].max(1).values
    share = (cosine >= 0.99).double().mean().item()
    assert module.evaluate("live.chanceOfMatch(8, 0.99)") == pytest.approx(share, abs=0.01)


@pytest.mark.weekly
@pytest.mark.parametrize(("n_latents", "k"), [(5, 1), (8, 1), (8, 2)])
def test_dictionaries_over_100_seeds_agree_with_pytorch(module, n_latents, k):
    """How many of the five directions are recovered, from the same pentagon, by the same recipe."""
    pentagon = module.evaluate(
        """() => { const t = new live.Trainer(); t.anneal(2500, 2500, 0.02);
                   window.pentagon = t.model; return [[...t.model.W], [...t.model.b]]; }"""
    )
    W, b = double(pentagon[0]).reshape(2, 5), double(pentagon[1])
    counts = module.evaluate(
        f"""() => Array.from({{length: 100}}, (_, seed) => {{
            const random = live.makeRandom(seed);
            const d = new live.Dictionary({{latents: {n_latents}, k: {k}, seed}});
            while (d.steps < 2000) {{
                const {{states, weights}} = live.drawStates(pentagon, 0.97, 64, random);
                d.step(states, weights, 0.0015 * (1 + Math.cos(Math.PI * d.steps / 2000)));
            }}
            const sample = live.drawStates(pentagon, 0.97, 500, live.makeRandom(1)).states;
            const fires = Array.from({{length: {n_latents}}}, (_, j) =>
                sample.some(h => d.latent(h)[j] > 0));
            return live.matchLatents(d, pentagon, fires).filter(m => m.cosine >= 0.99).length;
        }})"""
    )
    states = HiddenStates(relu_model(W, b).float(), IndependentFeatures(5, 0.97))
    sae = SparseAutoencoder(2, n_latents, 100, k=k)
    train(sae, states, n_steps=2000, batch_size=64, learning_rate=3e-3, schedule="cosine",
          optimizer="adam", record_at=1, progress=False)  # fmt: skip
    sample = states.batch(500, generator=torch.Generator().manual_seed(1)).x
    with torch.no_grad():
        fires = (sae.hidden(sample.expand(100, -1, -1)) > 0).any(1)
    by_pytorch = Counter(
        recovered(rows, W.T.float(), on) for rows, on in zip(sae.W_dec.detach(), fires, strict=True)
    )
    assert_same_shares(Counter(counts), by_pytorch)
