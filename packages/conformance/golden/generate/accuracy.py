"""How far PyTorch's float32 is from the exact value: the largest error of each activation and loss, forward and gradient.

Writes ../accuracy/pytorch.json: for each row of src/accuracy/accuracyRows.ts the largest absolute error and the largest error in units in the last
place; and ../accuracy/exact.json: exact values at a few points, by mpmath, which the float64 reference is held to. The points are those of
src/accuracy/points.ts. Errors are measured against float64 formulas that keep their digits in the tails; each is checked with mpmath first.
"""

import json
import math
import pathlib

import mpmath
import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import ndtr

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "accuracy"
f32, f64, u32 = np.float32, np.float64, np.uint32
torch.set_num_threads(1)
np.seterr(all="ignore")

# Points -------------------------------------------------------------------------------------------------------------


def bits(seed, count):
    """Whole numbers below 2³², by a hash of their place."""
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B1 + seed * 0x85EBCA77).astype(u32)
    x = (x ^ (x >> u32(15))) * u32(0x2C1B3C6D)
    x = (x ^ (x >> u32(12))) * u32(0x297A2D39)
    return x ^ (x >> u32(15))


def uniform(seed, shape, low, high):
    part = (bits(seed, math.prod(shape)) >> u32(8)).astype(f64) / 2**24
    return (low + (high - low) * part).astype(f32).reshape(shape)


def whole(seed, shape, count):
    return (bits(seed, math.prod(shape)) % u32(count)).astype(np.int64).reshape(shape)


def signs(seed, shape):
    return np.where(whole(seed, shape, 2) == 1, 1, -1).astype(f32)


def logarithmic():
    return (10.0 ** (-30 + 32 * np.arange(8001, dtype=f64) / 8000)).astype(f32)


def reals():
    linear = (-30 + 60 * np.arange(24001, dtype=f64) / 24000).astype(f32)
    random = bits(1, 2**16).view(f32)
    return np.concatenate([linear, logarithmic(), -logarithmic(), random[np.isfinite(random)]])


def units():
    small = logarithmic()
    linear = (np.arange(1, 20001, dtype=f64) / 20001).astype(f32)
    small = small[small < 0.5]
    return np.concatenate([linear, small, (1 - small.astype(f64)).astype(f32)])


REALS, UNITS = reals(), units()
POSITIVES = np.abs(REALS[REALS != 0])
ROWS = (256, 10)

# Exact values -------------------------------------------------------------------------------------------------------


def sigma(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def soft(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def phi(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def sech2(x):
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


def tanhshrink(x):
    s = x * x
    series = np.zeros_like(x)
    for n in range(16, 1, -1):
        series = series * s - float(mpmath.bernoulli(2 * n) * 4**n * (4**n - 1) / mpmath.factorial(2 * n))
    return np.where(np.abs(x) < 0.35, series * s * x, x - np.tanh(x))


def inner(x):
    return 2 * math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x)


def inner_slope(x):
    return 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)


def gelu_tanh_slope(x):
    x = np.clip(x, -40, 40)
    return sigma(inner(x)) + x * sigma(inner(x)) * sigma(-inner(x)) * inner_slope(x)


def mish_parts(x):
    e = np.exp(np.minimum(x, 40))
    return e, e * (e + 2)


def mish(x):
    _, n = mish_parts(x)
    return x * (n / (n + 2))


def mish_slope(x):
    e, n = mish_parts(x)
    return n / (n + 2) + np.where(x > 40, 0, 4 * x * e * (e + 1) / (n + 2) ** 2)


def focal(z, y):
    own = np.where(y == 1, z, -z)
    return np.where(y == 1, 0.25, 0.75) * sigma(-own) ** 2 * soft(-own)


def focal_slope(z, y):
    sign = np.where(y == 1, 1, -1)
    own = sign * z
    return -sign * np.where(y == 1, 0.25, 0.75) * sigma(-own) ** 2 * (2 * sigma(own) * soft(-own) + sigma(-own))


def log_cosh(x):
    a = np.abs(x)
    return np.where(a < 1, np.log1p(2 * np.sinh(np.minimum(a, 1) / 2) ** 2), a + np.log1p(np.exp(-2 * a)) - math.log(2))


def silu_slope(x):
    return np.where(x < 0, sigma(x) * (1 + x * sigma(-x)), sigma(x) + x * sigma(x) * sigma(-x))


EXP_ROOM = 88.7

# The same in the most direct words, for mpmath with as many digits as the tails need: (value, slope).
M = mpmath


def m_sigma(x):
    return 1 / (1 + M.exp(-x))


def m_focal(z, y):
    p = m_sigma(z if y == 1 else -z)
    return (M.mpf(1) / 4 if y == 1 else M.mpf(3) / 4) * (1 - p) ** 2 * -M.log(p)


def m_inner(x):
    return M.sqrt(2 / M.pi) * (x + M.mpf(0.044715) * x**3)


# name: (float64 value, float64 slope, mpmath value); the slope of mpmath's value is taken by its own Taylor arithmetic.
EXACT = {
    "sigmoid": (sigma, lambda x: sigma(x) * sigma(-x), m_sigma),
    "logSigmoid": (lambda x: -soft(-x), lambda x: sigma(-x), lambda x: -M.log(1 + M.exp(-x))),
    "silu": (lambda x: x * sigma(x), silu_slope, lambda x: x * m_sigma(x)),
    "mish": (mish, mish_slope, lambda x: x * M.tanh(M.log(1 + M.exp(x)))),
    "gelu": (lambda x: x * ndtr(x), lambda x: ndtr(x) + np.where(np.abs(x) > 40, 0, x * phi(x)), lambda x: x * M.ncdf(x)),
    "gelu tanh": (lambda x: x * sigma(inner(np.clip(x, -40, 40))), gelu_tanh_slope, lambda x: x * (1 + M.tanh(m_inner(x))) / 2),
    "tanh": (np.tanh, sech2, M.tanh),
    "tanhshrink": (tanhshrink, lambda x: np.tanh(x) ** 2, lambda x: x - M.tanh(x)),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2, lambda x: x / (1 + abs(x))),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(x)), lambda x: x if x > 0 else M.expm1(x)),
    "logCosh": (log_cosh, np.tanh, lambda x: M.log(M.cosh(x))),
}


def check_exact():
    """float64's formulas against mpmath at points of every size; gives those points for exact.json."""
    points = np.concatenate([REALS[:24001:571], REALS[24001:40003:229], np.array([-0.75, 0.75, -5.46, -4, -13.5, 20.5, 0.35, 0.36, 1], dtype=f32)])
    points = points[np.abs(points) <= 100]
    shown = {}
    for name, (value, slope, direct) in EXACT.items():
        M.mp.dps = 450
        wanted = []
        for x in points:
            at = M.mpf(float(x))
            # A central difference with as many digits as it takes from the value is exact to float64.
            h = M.mpf(10) ** -40 * max(abs(at), M.mpf(10) ** -10)
            wanted.append((float(direct(at)), float((direct(at + h) - direct(at - h)) / (2 * h)) if at != 0 else None))
        for got, which in ((value(points.astype(f64)), 0), (slope(points.astype(f64)), 1)):
            for x, mine, pair in zip(points, got, wanted):
                true = pair[which]
                if true is None or abs(true) < 1e-200:
                    continue
                assert abs(mine - true) <= 2e-12 * abs(true), (name, which, float(x), float(mine), true)
        shown[name] = {"value": [w[0] for w in wanted], "slope": [w[1] for w in wanted]}
    return {"points": [float(x) for x in points], "rows": shown}


# Errors -------------------------------------------------------------------------------------------------------------


def errors(got, want, near):
    """The largest error in units in the last place, and the largest absolute one where the inputs are of everyday size."""
    got, want = got.astype(f64), want.astype(f64)
    with np.errstate(over="ignore"):
        rounded = want.astype(f32).astype(f64)
    same = (got == rounded) | (np.isnan(got) & np.isnan(want))
    exponent = np.maximum(np.floor(np.log2(np.maximum(np.abs(want), 2.0**-126))), -126)
    size = np.abs(got - want)
    ulp = np.where(same, 0, size / 2.0 ** (exponent - 23))
    ulp = np.where(same | np.isfinite(ulp), ulp, np.inf)
    size = np.where(same, 0, np.where(np.isfinite(size), size, np.inf))
    place = int(np.argmax(ulp))
    return {"absolute": number(size[near].max(initial=0)), "ulp": number(ulp.max(initial=0))}, place


def number(x):
    return "Infinity" if np.isinf(x) else float(f"{x:.3g}")


def evaluate(fn, inputs, dtype, wanted):
    tensors = [torch.from_numpy(np.array(x)).to(dtype) if x.dtype == f32 else torch.from_numpy(x) for x in inputs]
    sources = [tensors[i].requires_grad_(True) for i in wanted]
    value = fn(*tensors)
    gradients = torch.autograd.grad(value.sum(), sources)
    return value.detach().numpy(), [g.numpy() for g in gradients]


rows = {}


def row(name, fn, inputs, exact=None, sources=(0,)):
    """`exact` gives the float64 value and the gradients; absent: PyTorch's own float64 has all digits that matter."""
    value, gradients = evaluate(fn, inputs, torch.float32, sources)
    if exact is None:
        true, slopes = evaluate(fn, inputs, torch.float64, sources)
    else:
        wide = [x.astype(f64) for x in inputs]
        true, slopes = exact[0](*wide), [exact[1](*wide)]
    everyday = np.abs(inputs[0]) <= 100
    near = everyday if value.shape == inputs[0].shape else np.ones(value.shape, bool)
    forward, at = errors(value, true, near)
    found = [errors(g, s, np.abs(inputs[i]) <= 100) for g, s, i in zip(gradients, slopes, sources)]
    gradient = {key: number(max(float(e[key]) for e, _ in found)) for key in ("absolute", "ulp")}
    rows[name] = {"forward": forward, "gradient": gradient}
    where = [float(np.ravel(inputs[i])[p]) for (_, p), i in zip(found, sources)]
    print(f"{name:28} {forward} at {float(np.ravel(inputs[0])[min(at, inputs[0].size - 1)]):.6g}; gradient {gradient} at {where}")


def elementwise(name, fn, exact=None):
    row(name, fn, [REALS], exact)


def both(points, *targets):
    """All points once with each target."""
    return [np.tile(points, len(targets)), np.repeat(np.array(targets, dtype=f32), points.size)]


def focal_labels(z, y, alpha=0.25, gamma=2.0):
    p = torch.sigmoid(z)
    cross = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    miss = 1 - (p * y + (1 - p) * (1 - y))
    return (alpha * y + (1 - alpha) * (1 - y)) * cross * miss**gamma


def focal_classes(z, y, gamma=2.0):
    logp = torch.log_softmax(z, 1).gather(1, y.unsqueeze(1)).squeeze(1)
    return -((1 - logp.exp()) ** gamma) * logp


def dice(p, y, smooth=1.0):
    return 1 - (2 * (p * y).sum(1) + smooth) / (p.sum(1) + y.sum(1) + smooth)


def main():
    exact = check_exact()
    none = {"reduction": "none"}
    piecewise = {
        "relu": F.relu,
        "leakyRelu": F.leaky_relu,
        "prelu": lambda x: F.prelu(x, torch.full((1,), 0.25, dtype=x.dtype)),
        "rrelu": lambda x: F.rrelu(x, 1 / 8, 1 / 3, training=False),
        "relu6": F.relu6,
        "threshold": lambda x: F.threshold(x, 0.5, -2),
        "hardTanh": F.hardtanh,
        "softshrink": F.softshrink,
        "hardshrink": F.hardshrink,
        "hardSigmoid": F.hardsigmoid,
        "hardSwish": F.hardswish,
        "selu": F.selu,
        "celu": lambda x: F.celu(x, 2.0),
        "softplus": F.softplus,
        "softplus beta 2": lambda x: F.softplus(x, 2.0),
    }
    smooth = {
        "sigmoid": torch.sigmoid,
        "logSigmoid": F.logsigmoid,
        "silu": F.silu,
        "mish": F.mish,
        "gelu": F.gelu,
        "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
        "tanh": torch.tanh,
        "tanhshrink": F.tanhshrink,
        "softsign": F.softsign,
        "elu": F.elu,
    }
    for name, fn in piecewise.items():
        elementwise(name, fn)
    for name, fn in smooth.items():
        elementwise(name, fn, EXACT[name])
    scores, labels = uniform(2, ROWS, -8, 8), whole(3, ROWS, 2).astype(f32)
    row("glu", lambda x: F.glu(x, 1), [scores])
    row("softmax", lambda x: F.softmax(x, 1) * torch.arange(1.0, 11.0, dtype=x.dtype), [scores])
    row("softmin", lambda x: F.softmin(x, 1) * torch.arange(1.0, 11.0, dtype=x.dtype), [scores])
    row("logSoftmax", lambda x: F.log_softmax(x, 1) * torch.arange(1.0, 11.0, dtype=x.dtype), [scores])

    zero = lambda fn, **options: lambda x: fn(x, torch.zeros_like(x), **none, **options)
    elementwise("mse", zero(F.mse_loss))
    elementwise("l1", zero(F.l1_loss))
    elementwise("huber", zero(F.huber_loss, delta=0.7))
    elementwise("smoothL1", zero(F.smooth_l1_loss, beta=0.7))
    elementwise("logCosh", lambda x: torch.log(torch.cosh(x)), EXACT["logCosh"])
    with_logits = lambda z, y: F.binary_cross_entropy_with_logits(z, y, **none)
    cross = (lambda z, y: y * soft(-z) + (1 - y) * soft(z), lambda z, y: (1 - y) * sigma(z) - y * sigma(-z))
    row("bceWithLogits", with_logits, both(REALS, 0, 1), cross)
    row("bceWithLogits soft", with_logits, both(REALS, 0.25), cross)
    clamped = lambda z: np.maximum(z, -100)
    binary = (
        lambda p, y: -np.where(y == 1, clamped(np.log(p)), clamped(np.log1p(-p))),
        lambda p, y: (p - y) / np.maximum(p * (1 - p), 1e-12),
    )
    row("bce", lambda p, y: F.binary_cross_entropy(p, y, **none), both(UNITS, 0, 1), binary)
    row("softMargin", lambda x, y: F.soft_margin_loss(x, y, **none), both(REALS, -1, 1), (lambda x, y: soft(-x * y), lambda x, y: -y * sigma(-x * y)))
    row("hingeEmbedding", lambda x, y: F.hinge_embedding_loss(x, y, margin=1.5, **none), both(REALS, -1, 1))
    row("marginRanking", lambda x, y: F.margin_ranking_loss(x, torch.zeros_like(x), y, margin=0.3, **none), both(REALS, -1, 1))
    row("poissonNll", lambda x, y: F.poisson_nll_loss(x, y, **none), both(REALS[np.abs(REALS) <= EXP_ROOM], 2))
    row("poissonNll rates", lambda x, y: F.poisson_nll_loss(x, y, log_input=False, **none), both(POSITIVES, 2))
    row("gaussianNll", lambda x, y: F.gaussian_nll_loss(x, y, torch.full_like(x, 1.5), **none), both(REALS, 0.5))
    row("gaussianNll variance", lambda v, y: F.gaussian_nll_loss(y, torch.full_like(y, -0.25), v, **none), both(POSITIVES[POSITIVES > 1e-6], 0.5))
    row("klDiv", lambda x, y: F.kl_div(x, y, **none), both(-POSITIVES, 0.3))
    row("klDiv log", lambda x, y: F.kl_div(x, y, log_target=True, **none), both(-POSITIVES, -1.25))
    row("focal", focal_labels, both(REALS, 0, 1), (focal, focal_slope))

    classes = whole(4, ROWS[:1], 10)
    weight = torch.from_numpy(uniform(5, (10,), 0.1, 2))
    row("crossEntropy", lambda z, y: F.cross_entropy(z, y, **none), [scores, classes])
    row("crossEntropy weighted", lambda z, y: F.cross_entropy(z, y, weight=weight.to(z.dtype), label_smoothing=0.1, **none), [scores, classes])
    shares = uniform(6, ROWS, 0, 0.2)
    row("crossEntropy probabilities", lambda z, y: F.cross_entropy(z, y, **none), [scores, shares])
    logs = torch.log_softmax(torch.from_numpy(scores).double(), 1).float().numpy()
    row("nll", lambda z, y: F.nll_loss(z, y, weight=weight.to(z.dtype), **none), [logs, classes])
    row("focal classes", focal_classes, [scores, classes])
    row("multiMargin", lambda z, y: F.multi_margin_loss(z, y, p=2, **none), [scores, classes])
    lists = whole(7, ROWS, 11) - 1
    row("multiLabelMargin", lambda z, y: F.multilabel_margin_loss(z, y, **none), [scores, lists])
    row("multiLabelSoftMargin", lambda z, y: F.multilabel_soft_margin_loss(z, y, **none), [scores, labels])
    others, third = uniform(8, ROWS, -2, 2), uniform(9, ROWS, -2, 2)
    near = uniform(10, ROWS, -2, 2)
    row("cosineEmbedding", lambda a, b, y: F.cosine_embedding_loss(a, b, y, margin=0.1, **none), [near, others, signs(11, ROWS[:1])], sources=(0, 1))
    row("tripletMargin", lambda a, b, c: F.triplet_margin_loss(a, b, c, **none), [near, others, third], sources=(0, 1, 2))
    row("dice", dice, [uniform(12, ROWS, 0, 1), labels])
    frames = torch.log_softmax(torch.from_numpy(uniform(13, (12, 16, 6), -4, 4)).double(), 2).float().numpy()
    targets, inputs, lengths = whole(14, (16, 4), 5) + 1, whole(15, (16,), 3) + 10, whole(16, (16,), 4) + 1
    row("ctc", lambda x, y, n, s: F.ctc_loss(x.log_softmax(2), y, n, s, **none), [frames, targets, inputs, lengths])

    FOLDER.mkdir(exist_ok=True)
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(found)}" for name, found in rows.items())
    (FOLDER / "pytorch.json").write_text(f'{{\n  "torch": {json.dumps(torch.__version__)},\n  "rows": {{\n{lines}\n  }}\n}}\n')
    text = json.dumps(exact, separators=(",", ":"))
    (FOLDER / "exact.json").write_text(text + "\n")
    print(f"exact.json: {len(text)} bytes")


main()
