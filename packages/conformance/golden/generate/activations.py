"""Activations: options away from their defaults, every axis, ranks 0 to 4, and the numbers where float32 ends."""

import torch
import torch.nn.functional as F

from golden import exact, exact_tensor, number, numbers, tensor, write

EDGES = [0.0, -0.0, 1e-8, -1e-8, 0.5, -0.5, 1.0, -1.0, 2.5, -2.5, 6.0, -3.0, 20.0, -20.0, 88.0, -88.0, 100.0, -100.0, 1e4, -1e4, 3e30, -3e30]


def edges():
    return exact(torch.tensor(EDGES, dtype=torch.float64))


elementwise = [
    ("relu", {}, F.relu),
    ("relu6", {}, F.relu6),
    ("sigmoid", {}, torch.sigmoid),
    ("tanh", {}, torch.tanh),
    ("silu", {}, F.silu),
    ("mish", {}, F.mish),
    ("selu", {}, F.selu),
    ("softsign", {}, F.softsign),
    ("logSigmoid", {}, F.logsigmoid),
    ("hardSigmoid", {}, F.hardsigmoid),
    ("hardSwish", {}, F.hardswish),
    ("tanhshrink", {}, F.tanhshrink),
    ("leakyRelu", {"negativeSlope": 0.0}, lambda x: F.leaky_relu(x, 0.0)),
    ("leakyRelu", {"negativeSlope": 1.5}, lambda x: F.leaky_relu(x, 1.5)),
    ("elu", {"alpha": 2.5}, lambda x: F.elu(x, 2.5)),
    ("celu", {"alpha": 3.0}, lambda x: F.celu(x, 3.0)),
    ("celu", {"alpha": 0.25}, lambda x: F.celu(x, 0.25)),
    ("gelu", {}, F.gelu),
    ("softplus", {"beta": 0.5, "threshold": 5.0}, lambda x: F.softplus(x, 0.5, 5.0)),
    ("softplus", {"beta": 8.0, "threshold": 1.0}, lambda x: F.softplus(x, 8.0, 1.0)),
    ("hardTanh", {"minValue": -2.5, "maxValue": 0.5}, lambda x: F.hardtanh(x, -2.5, 0.5)),
    ("hardTanh", {"minValue": 1.0, "maxValue": 6.0}, lambda x: F.hardtanh(x, 1.0, 6.0)),
    ("softshrink", {"lambda": 0.0}, lambda x: F.softshrink(x, 0.0)),
    ("softshrink", {"lambda": 2.5}, lambda x: F.softshrink(x, 2.5)),
    ("hardshrink", {"lambda": 0.0}, lambda x: F.hardshrink(x, 0.0)),
    ("hardshrink", {"lambda": 2.5}, lambda x: F.hardshrink(x, 2.5)),
    ("threshold", {"threshold": -0.5, "value": 3.0}, lambda x: F.threshold(x, -0.5, 3.0)),
    ("threshold", {"threshold": 0.0, "value": 0.0}, lambda x: F.threshold(x, 0.0, 0.0)),
    ("rreluEval", {"lower": 0.0, "upper": 1.0}, lambda x: F.rrelu(x, 0.0, 1.0, training=False)),
]
along_axis = [("softmax", F.softmax), ("logSoftmax", F.log_softmax), ("softmin", F.softmin)]

cases = []


def case(name, options, fn, x, weight=None, curved=False):
    x = x.clone().requires_grad_(True)
    sources = [x] if weight is None else [x, weight.clone().requires_grad_(True)]
    output = fn(*sources)
    upstream = numbers(*output.shape, seed=len(cases) + 1000)
    gradients = torch.autograd.grad(output, sources, upstream, create_graph=True)
    shown = {key: number(value) if isinstance(value, float) else value for key, value in options.items()}
    made = {
        "id": f"{name}[{','.join(f'{k}={v}' for k, v in shown.items())}]",
        "name": name,
        "options": shown,
        "input": exact_tensor(x),
        "gradOutput": exact_tensor(upstream),
        "expected": {"output": tensor(output), "gradInput": tensor(gradients[0])},
    }
    if curved:
        made["expected"].update(curvature(gradients[0], x))
    if weight is not None:
        made["weight"] = exact_tensor(weight)
        made["expected"]["gradWeight"] = tensor(gradients[1])
    cases.append(made)


def curvature(gradient, x):
    """The gradient of the gradient's squares, where PyTorch has it: of hardsigmoid it has none."""
    squares = gradient.square().sum()
    try:
        (found,) = torch.autograd.grad(squares, x, allow_unused=True) if squares.requires_grad else (None,)
    except RuntimeError:
        return {}
    # Added to zeros: what PyTorch knows to be 0 has no storage.
    return {"curvature": tensor(torch.zeros_like(x) + (0 if found is None else found))}


for name, options, fn in elementwise:
    # PyTorch's second derivative of mish is NaN far out, where it is 0.
    case(name, options, fn, edges(), curved=name != "mish")
    case(name, options, fn, numbers(2, 3, 5, seed=len(cases), scale=3.0))
for name in ["relu", "gelu", "sigmoid"]:
    case(name, {}, {"relu": F.relu, "gelu": F.gelu, "sigmoid": torch.sigmoid}[name], numbers(seed=len(cases)))
case("gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh"), numbers(4, 9, seed=7, scale=4.0))
for name, fn in along_axis:
    for shape, axis in [((), 0), ((), -1), ((5,), 0), ((5,), -1), ((3, 4), 1), ((2, 3, 4), 1), ((2, 3, 4), -2), ((2, 3, 2, 4), 2), ((2, 3, 2, 4), -4), ((3, 1), 1)]:
        case(name, {"axis": axis}, lambda x: fn(x, dim=axis), numbers(*shape, seed=len(cases), scale=4.0), curved=True)
    rows = exact(torch.tensor([[1000.0, -1000.0, 0.0, 999.0], [3e30, -3e30, 3e30, 0.0], [-1e4, -1e4, -1e4, -1e4], [88.0, 100.0, -88.0, -100.0]], dtype=torch.float64))
    case(name, {"axis": -1}, lambda x: fn(x, dim=-1), rows, curved=True)
for shape, axis in [((6,), 0), ((4, 6), 0), ((2, 6, 3), 1), ((2, 3, 4), -1), ((2, 4, 3, 2), -3)]:
    case("glu", {"axis": axis}, lambda x: F.glu(x, dim=axis), numbers(*shape, seed=len(cases), scale=2.0))
for shape, size in [((7,), 1), ((4, 3), 1), ((4, 3), 3), ((2, 3, 5), 3), ((2, 3, 2, 2), 3), ((2, 3, 2, 2), 1)]:
    case("prelu", {}, F.prelu, numbers(*shape, seed=len(cases), scale=2.0), numbers(size, seed=len(cases) + 1, scale=0.5))
case("prelu", {}, F.prelu, edges().reshape(11, 2), numbers(2, seed=3))

write("activations", cases)
