"""Losses: every option away from its default, with and without a batch dimension, more axes, and targets that count for nothing."""

import math

import torch
import torch.nn.functional as F

from golden import exact, exact_tensor, number, numbers, tensor, write

cases = []


def case(name, options, inputs, fn, what, curved=True, tolerance=None):
    """`inputs` by name; those that begin with `prediction` have gradients. Options that are tensors stay tensors."""
    sources = {k: v.clone().requires_grad_(True) if k.startswith("prediction") and v.is_floating_point() else v for k, v in inputs.items()}
    value = fn(*sources.values(), **options)
    wanted = [k for k, v in sources.items() if v.requires_grad]
    gradients = torch.autograd.grad(value.sum(), [sources[k] for k in wanted], create_graph=True)
    shown = {}
    for key, option in options.items():
        own = NAMES.get(key, key)
        if isinstance(option, torch.Tensor):
            shown[own] = exact_tensor(option)
        elif isinstance(option, str):
            shown[own] = {"batchmean": "batchMean"}.get(option, option)
        else:
            shown[own] = number(option) if isinstance(option, float) else option
    brief = ",".join(f"{k}={'tensor' if isinstance(v, dict) else v}" for k, v in shown.items())
    cases.append(
        {
            "id": f"{name}[{brief}]/{what}",
            "name": name,
            "options": shown,
            "inputs": {k: exact_tensor(v) for k, v in inputs.items()},
            "expected": {
                "value": tensor(value),
                "gradients": {k: tensor(g) for k, g in zip(wanted, gradients)},
                **(curvatures(wanted, gradients, [sources[k] for k in wanted]) if curved else {}),
            },
            **({} if tolerance is None else {"tolerance": tolerance}),
        }
    )


def curvatures(names, gradients, sources):
    """The gradients of the gradients' squares, where PyTorch has them: of ctc it has none."""
    squares = sum(g.square().sum() for g in gradients)
    try:
        found = torch.autograd.grad(squares, sources, allow_unused=True) if squares.requires_grad else [None] * len(sources)
    except RuntimeError:
        return {}
    # Added to zeros: what PyTorch knows to be 0 has no storage.
    return {"curvatures": {k: tensor(torch.zeros_like(x) + (0 if c is None else c)) for k, c, x in zip(names, found, sources)}}


NAMES = {"ignore_index": "ignoreIndex", "label_smoothing": "labelSmoothing", "pos_weight": "posWeight", "log_input": "logInput", "log_target": "logTarget", "zero_infinity": "zeroInfinity"}
REDUCTIONS = ["mean", "sum", "none"]
seed = 0


def fresh(*shape, scale=1.0):
    global seed
    seed += 1
    return short(numbers(*shape, seed=seed, scale=scale))


def short(values):
    """Multiples of 1/64: few digits, and corners that are met exactly."""
    return exact((values * 64).round() / 64)


def positive(*shape):
    return exact(fresh(*shape).abs() + 0.0625)


def unit(*shape):
    return short(torch.sigmoid(fresh(*shape)))


def classes(k, *shape):
    global seed
    seed += 1
    return torch.randint(0, k, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.int64)


def signs(*shape):
    return exact(torch.where(fresh(*shape) > 0, 1.0, -1.0).to(torch.float64))


def each(name, fn, variants, make, shapes, reductions=REDUCTIONS):
    """Variants of options over shapes; the reductions take turns, so that each variant meets several."""
    for v, options in enumerate(variants):
        for s, shape in enumerate(shapes):
            reduction = reductions[(v + s) % len(reductions)]
            made = options(shape) if callable(options) else options
            case(name, {**made, "reduction": reduction}, make(shape), fn, "x".join(map(str, shape)) or "scalar")


shapes = [(), (3,), (2, 3), (1, 1, 2, 2)]
pair = lambda shape: {"prediction": fresh(*shape, scale=2.0), "target": fresh(*shape, scale=2.0)}
weighted = lambda shape: {"weight": positive(*shape)}
each("mse", F.mse_loss, [{}, weighted, weighted, weighted], pair, shapes)
each("l1", F.l1_loss, [{}, weighted, weighted, weighted], pair, shapes)
each("huber", F.huber_loss, [{"delta": 2.5}, {"delta": 0.1}, lambda s: {"delta": 0.7, "weight": positive(*s)}, weighted, weighted], pair, shapes)
each("smoothL1", F.smooth_l1_loss, [{"beta": 0.0}, {"beta": 3.0}, {}], pair, shapes)
equal = exact(torch.tensor([1.0, -1.0, 0.5, 2.0], dtype=torch.float64))
for name, fn, options in [("l1", F.l1_loss, {}), ("smoothL1", F.smooth_l1_loss, {"beta": 0.0}), ("smoothL1", F.smooth_l1_loss, {"beta": 1.0}), ("huber", F.huber_loss, {"delta": 1.0})]:
    case(name, {**options, "reduction": "none"}, {"prediction": equal, "target": exact(equal + torch.tensor([0.0, 1.0, -1.0, 0.0]))}, fn, "on the corners")

# Cross-entropy and nll: (K), (N, K), (N, K, d), (N, K, d, e); indices and probabilities.
class_shapes = [(5,), (1, 5), (4, 5), (2, 5, 2), (1, 5, 1, 2)]
target_shape = lambda s: s[:0] if len(s) == 1 else s[:1] + s[2:]
axis = lambda s: 0 if len(s) == 1 else 1
class_pair = lambda s: {"prediction": fresh(*s, scale=2.0), "target": classes(5, *target_shape(s))}
soft_pair = lambda s: {"prediction": fresh(*s, scale=2.0), "target": exact(torch.softmax(fresh(*s), axis(s)))}
log_pair = lambda s: {"prediction": exact(torch.log_softmax(fresh(*s, scale=2.0), axis(s))), "target": classes(5, *target_shape(s))}
class_weight = lambda s: {"weight": positive(5)}
each("crossEntropy", F.cross_entropy, [{"ignore_index": 2}, {"label_smoothing": 0.3}, class_weight, lambda s: {**class_weight(s), "ignore_index": 1, "label_smoothing": 0.25}, {"label_smoothing": 1.0}], class_pair, class_shapes)
each("crossEntropy", F.cross_entropy, [{}, {"label_smoothing": 0.3}, class_weight, lambda s: {**class_weight(s), "label_smoothing": 0.5}], soft_pair, class_shapes)
each("nll", F.nll_loss, [{}, {"ignore_index": 3}, class_weight, lambda s: {**class_weight(s), "ignore_index": 0}], log_pair, class_shapes)
ignored = torch.tensor([[-100, 1], [2, -100], [-100, -100]])
zero_weight = exact(torch.tensor([0.0, 2.0, 0.5], dtype=torch.float64))
for reduction in REDUCTIONS:
    z = fresh(3, 3, 2)
    case("crossEntropy", {"reduction": reduction, "label_smoothing": 0.1}, {"prediction": z, "target": ignored}, F.cross_entropy, "ignored, spatial")
    case("crossEntropy", {"reduction": reduction, "weight": zero_weight}, {"prediction": z, "target": ignored.clamp(min=0)}, F.cross_entropy, "a class of weight 0")
    case("nll", {"reduction": reduction}, {"prediction": exact(torch.log_softmax(z, 1)), "target": ignored}, F.nll_loss, "ignored, spatial")
    all_ignored = torch.full((3, 2), -100)
    case("crossEntropy", {"reduction": reduction, "label_smoothing": 0.2, "weight": zero_weight}, {"prediction": z, "target": all_ignored}, F.cross_entropy, "all ignored, spatial")
    case("crossEntropy", {"reduction": reduction, "ignore_index": 1}, {"prediction": fresh(3), "target": torch.tensor(1)}, F.cross_entropy, "ignored, without a batch")

# Binary cross-entropies: weights that broadcast.
label_shapes = [(4,), (2, 4), (2, 2, 3)]
labels = lambda s: exact((fresh(*s) > 0).to(torch.float64))
broad = lambda *sizes: (lambda s: positive(*[1 if size is None else s[size] for size in sizes]))
probabilities = lambda s: {"prediction": unit(*s), "target": labels(s)}
logits = lambda s: {"prediction": fresh(*s, scale=3.0), "target": unit(*s)}
each("bce", F.binary_cross_entropy, [{}, lambda s: {"weight": positive(*s)}, lambda s: {"weight": positive(s[-1])}, lambda s: {"weight": positive(1)}], probabilities, label_shapes)
each("bceWithLogits", F.binary_cross_entropy_with_logits, [lambda s: {"weight": positive(*s)}, lambda s: {"pos_weight": positive(s[-1])}, lambda s: {"pos_weight": positive(*s)}, lambda s: {"weight": positive(s[-1]), "pos_weight": positive(1)}, lambda s: {"weight": positive(*s[:-1], 1), "pos_weight": positive(s[-1])}], logits, label_shapes)
case("bceWithLogits", {"reduction": "none", "pos_weight": positive(6)}, {"prediction": exact(torch.tensor([1000.0, -1000.0, 3e30, -3e30, 0.0, 88.0], dtype=torch.float64)), "target": exact(torch.tensor([1.0, 0.0, 1.0, 0.0, 0.5, 0.0], dtype=torch.float64))}, F.binary_cross_entropy_with_logits, "huge")
each("bceWithLogits", F.binary_cross_entropy_with_logits, [{}], logits, [(), (5,)])

distance = lambda s: {"prediction": fresh(*s), "target": signs(*s)}
each("hingeEmbedding", F.hinge_embedding_loss, [{"margin": 0.3}, {"margin": 2.5}, {}], distance, shapes)
each("softMargin", F.soft_margin_loss, [{}, {}], distance, shapes)
case("softMargin", {"reduction": "none"}, {"prediction": exact(torch.tensor([100.0, -100.0, 600.0, -600.0, 0.0, 0.0], dtype=torch.float64)), "target": exact(torch.tensor([1.0, 1.0, -1.0, -1.0, 1.0, -1.0], dtype=torch.float64))}, F.soft_margin_loss, "far")

counts = lambda s: exact(torch.floor(fresh(*s).abs() * 3))
each("poissonNll", F.poisson_nll_loss, [{"full": True}, {"log_input": True, "eps": 0.5}], lambda s: {"prediction": fresh(*s), "target": counts(s)}, shapes)
each("poissonNll", F.poisson_nll_loss, [{"log_input": False}, {"log_input": False, "full": True, "eps": 0.25}, {"log_input": False, "eps": 1e-3}], lambda s: {"prediction": positive(*s), "target": counts(s)}, shapes)

gaussian = lambda x, y, var, **options: F.gaussian_nll_loss(x, y, var, **options)
for v, options in enumerate([{}, {"full": True}, {"eps": 0.5}, {"full": True, "eps": 1e-3}]):
    for s, (shape, variance) in enumerate([((4,), (4,)), ((4,), (1,)), ((3, 4), (3, 4)), ((3, 4), (3, 1)), ((3, 4), (3,)), ((2, 3, 2), (2, 1, 2)), ((2, 3, 2), (2, 3)), ((5, 2), (1, 2)), ((1,), ())]):
        inputs = {"prediction": fresh(*shape), "target": fresh(*shape), "predictionVariance": positive(*variance)}
        case("gaussianNll", {**options, "reduction": REDUCTIONS[(v + s) % 3]}, inputs, gaussian, f"{shape} {variance}")
case("gaussianNll", {"reduction": "none", "eps": 0.1}, {"prediction": fresh(3), "target": fresh(3), "predictionVariance": exact(torch.tensor([0.0, 0.1, 0.05], dtype=torch.float64))}, gaussian, "below eps")

logp = lambda s: exact(torch.log_softmax(fresh(*s), -1)) if len(s) > 0 else exact(-positive())
kl_reductions = ["mean", "sum", "none", "batchmean"]
each("klDiv", F.kl_div, [{}, {}, {}, {}], lambda s: {"prediction": logp(s), "target": exact(torch.softmax(fresh(*s), -1))}, [(4,), (2, 3), (2, 2, 3), (1, 1, 2, 3)], kl_reductions)
each("klDiv", F.kl_div, [{"log_target": True}] * 4, lambda s: {"prediction": logp(s), "target": logp(s)}, [(4,), (2, 3), (2, 2, 3), (1, 1, 2, 3)], kl_reductions)
case("klDiv", {"reduction": "none"}, {"prediction": logp((4,)), "target": exact(torch.tensor([0.0, 1.0, 0.0, 0.5], dtype=torch.float64))}, F.kl_div, "zeros in the target")

half = exact(torch.tensor([0.0, 1.0, 0.5, 0.25, 0.0, 1.0], dtype=torch.float64))
case("bce", {"reduction": "none"}, {"prediction": half, "target": exact(torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], dtype=torch.float64))}, F.binary_cross_entropy, "right to the last digit")
case("poissonNll", {"reduction": "none", "full": True}, {"prediction": half, "target": exact(torch.tensor([0.0, 1.0, 2.0, 0.5, 0.0, 7.0], dtype=torch.float64))}, F.poisson_nll_loss, "small counts")
case("hingeEmbedding", {"reduction": "none"}, {"prediction": exact(torch.tensor([1.0, 0.0, -1.0, 2.0], dtype=torch.float64)), "target": exact(torch.tensor([-1.0, 1.0, -1.0, -1.0], dtype=torch.float64))}, F.hinge_embedding_loss, "on the corners")
case("multiMargin", {"reduction": "none", "p": 2}, {"prediction": exact(torch.tensor([[0.0, 1.0, -1.0], [2.0, 1.0, 3.0]], dtype=torch.float64)), "target": torch.tensor([1, 2])}, F.multi_margin_loss, "on the corners")
each("multiMargin", F.multi_margin_loss, [{"p": 2}, {"margin": 0.25}, {"p": 2, "margin": 2.0}, class_weight, lambda s: {**class_weight(s), "p": 2, "margin": 0.5}], class_pair, [(5,), (1, 5), (3, 5)])
lists = torch.tensor([[3, 0, -1, 1], [-1, 2, 3, 0], [0, 1, 2, 3], [2, -1, -1, -1]])
for reduction in REDUCTIONS:
    case("multiLabelMargin", {"reduction": reduction}, {"prediction": fresh(4, 4), "target": lists}, F.multilabel_margin_loss, "4x4")
    case("multiLabelMargin", {"reduction": reduction}, {"prediction": fresh(4), "target": lists[0]}, F.multilabel_margin_loss, "4")
each("multiLabelSoftMargin", F.multilabel_soft_margin_loss, [{}, lambda s: {"weight": positive(s[-1])}, lambda s: {"weight": positive(*s)}], lambda s: {"prediction": fresh(*s), "target": labels(s)}, label_shapes)

triplet = lambda s: {"predictionAnchor": fresh(*s), "predictionPositive": fresh(*s), "predictionNegative": fresh(*s)}
each("tripletMargin", F.triplet_margin_loss, [{"swap": True}, {"p": 1.0}, {"p": 3.0, "margin": 0.2}, {"p": math.inf, "margin": 2.0}, {"eps": 0.1, "swap": True, "p": 1.5}, {"margin": 4.0, "eps": 0.0}], triplet, [(4,), (2, 4), (2, 2, 3)])
pairs = lambda s: {"prediction": fresh(*s), "predictionOther": fresh(*s), "target": signs(*s[:-1])}
each("cosineEmbedding", F.cosine_embedding_loss, [{}, {"margin": 0.5}, {"margin": -0.5}], pairs, [(4,), (1, 4), (3, 4)])
case("cosineEmbedding", {"reduction": "none"}, {"prediction": torch.zeros(2, 3, dtype=torch.float64), "predictionOther": fresh(2, 3), "target": exact(torch.tensor([1.0, -1.0], dtype=torch.float64))}, F.cosine_embedding_loss, "a vector of zeros", curved=False)
ranks = lambda s: {"predictionFirst": fresh(*s), "predictionSecond": fresh(*s), "target": signs(*s)}
each("marginRanking", F.margin_ranking_loss, [{}, {"margin": 1.5}, {"margin": -0.5}], ranks, shapes)

ctc = lambda x, y, n, s, **options: F.ctc_loss(x.log_softmax(-1), y, n, s, **options)
for v, options in enumerate([{}, {"blank": 2}, {"zero_infinity": True}, {"blank": 4, "zero_infinity": True}]):
    blank = options.get("blank", 0)
    other = lambda *shape: (classes(4, *shape) + blank + 1) % 5
    for reduction in REDUCTIONS:
        batch = {"prediction": logp((7, 3, 5)), "target": other(3, 4), "inputLengths": torch.tensor([7, 5, 6]), "targetLengths": torch.tensor([3, 2, 0])}
        case("ctc", {**options, "reduction": reduction}, batch, ctc, "7x3x5")
        single = {"prediction": logp((6, 5)), "target": other(3), "inputLengths": torch.tensor(6), "targetLengths": torch.tensor(3)}
        case("ctc", {**options, "reduction": reduction}, single, ctc, "without a batch")
        joined = {"prediction": logp((6, 2, 5)), "target": other(5), "inputLengths": torch.tensor([6, 6]), "targetLengths": torch.tensor([2, 3])}
        case("ctc", {**options, "reduction": reduction}, joined, ctc, "targets one behind the other")
        if options.get("zero_infinity"):
            brief = {"prediction": logp((3, 2, 5)), "target": other(2, 3).fill_((blank + 1) % 5), "inputLengths": torch.tensor([3, 3]), "targetLengths": torch.tensor([3, 1])}
            case("ctc", {**options, "reduction": reduction}, brief, ctc, "one impossible")
brief = {"prediction": logp((3, 2, 5)), "target": torch.tensor([[1, 1, 1], [2, 2, 2]]), "inputLengths": torch.tensor([3, 3]), "targetLengths": torch.tensor([1, 2])}
case("ctc", {"reduction": "none"}, brief, ctc, "repeats")


# Not PyTorch's own: the formulas as they stand in their papers.
def focal_labels(z, y, alpha=0.25, gamma=2.0, reduction="mean"):
    p = torch.sigmoid(z)
    cross = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    miss = 1 - (p * y + (1 - p) * (1 - y))
    balance = alpha * y + (1 - alpha) * (1 - y) if alpha >= 0 else 1.0
    return reduce(balance * cross * miss**gamma, reduction)


def focal_classes(z, y, gamma=2.0, reduction="mean"):
    logp = torch.log_softmax(z, axis(z.shape)).gather(axis(z.shape), y.unsqueeze(axis(z.shape))).squeeze(axis(z.shape))
    return reduce(-((1 - logp.exp()) ** gamma) * logp, reduction)


def dice(p, y, smooth=1.0, reduction="mean"):
    over = list(range(1, p.dim()))
    overlap = (p * y).sum(over)
    return reduce(1 - (2 * overlap + smooth) / (p.sum(over) + y.sum(over) + smooth), reduction)


def log_cosh(x, y, reduction="mean"):
    return reduce(torch.log(torch.cosh(x - y)), reduction)


def reduce(value, reduction):
    return {"mean": value.mean, "sum": value.sum, "none": lambda: value}[reduction]()


each("focal", focal_labels, [{}, {"alpha": 0.75, "gamma": 1.0}, {"alpha": -1.0, "gamma": 3.0}, {"gamma": 0.0}, {"gamma": 0.5}], lambda s: {"prediction": fresh(*s), "target": labels(s)}, label_shapes)
each("focal", focal_classes, [{}, {"gamma": 0.5}, {"gamma": 5.0}, {"gamma": 0.0}], class_pair, class_shapes)
each("dice", dice, [{}, {"smooth": 0.1}, {"smooth": 5.0}], probabilities, [(2, 3), (2, 2, 3), (1, 2, 2, 2)])
digits = {"absolute": 0.0, "relative": 2e-5}
near = exact(torch.tensor([1e-6, -1e-5, 1e-4, 1e-3, 0.01, -0.1, 0.5, 0.999, 1.0, -1.001, 3.0, 20.0], dtype=torch.float64))
case("logCosh", {"reduction": "none"}, {"prediction": near, "target": torch.zeros_like(near)}, lambda x, y, reduction: torch.where(x.abs() < 0.1, torch.log1p(2 * torch.sinh(x / 2) ** 2), torch.log(torch.cosh(x - y))), "near 0", curved=False, tolerance=digits)


def focal_gap(gap, gamma):
    """Of the right answer's lead over the others: its digits stay where 1 − p is small."""
    return -F.logsigmoid(gap) * torch.exp(gamma * F.logsigmoid(-gap))


gaps = exact(torch.tensor([-20.0, -3.0, 0.0, 2.0, 10.0, 16.0, 17.0, 18.0, 20.0, 25.0], dtype=torch.float64))
for gamma in [0.5, 0.9, 1.0, 1.5, 2.0]:
    side = exact(torch.where(torch.arange(len(gaps)) % 2 == 0, 1.0, 0.0).to(torch.float64))
    case("focal", {"gamma": gamma, "alpha": -1.0, "reduction": "none"}, {"prediction": exact(gaps * (2 * side - 1)), "target": side}, lambda z, y, gamma, alpha, reduction: focal_gap(z * (2 * y - 1), gamma), "confident labels", curved=False, tolerance=digits)
    rows = exact(torch.stack([gaps / 2, -gaps / 2], 1))
    case("focal", {"gamma": gamma, "reduction": "none"}, {"prediction": rows, "target": torch.zeros(len(gaps), dtype=torch.int64)}, lambda z, y, gamma, reduction: focal_gap(z[:, 0] - z[:, 1], gamma), "confident classes", curved=False, tolerance=digits)
each("logCosh", log_cosh, [{}], pair, shapes)

write("losses", cases)
