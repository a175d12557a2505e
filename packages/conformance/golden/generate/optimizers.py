"""Optimizers: every option away from its default, defaults left out, and `maximize` everywhere. Lion and lamb are written from their papers."""

import math

import torch
from torch import optim
from torch.optim import _muon

from golden import exact_tensor, number, numbers, tensor, write

# In full precision, not in bfloat16.
_bfloat16 = torch.bfloat16
cases = []
RENAMED = {"lr": "learningRate", "eps": "epsilon", "lambd": "lambda", "lr_decay": "learningRateDecay"}


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def shown(options):
    made = {}
    for key, value in options.items():
        if key == "betas":
            made["beta1"], made["beta2"] = value
        elif isinstance(value, (tuple, list)):
            made[RENAMED.get(key, camel(key))] = [v if v is None else number(v) for v in value]
        else:
            value = camel(value) if isinstance(value, str) else value
            made[RENAMED.get(key, camel(key))] = number(value) if isinstance(value, float) else value
    return made


def short(values):
    return (values * 64).round() / 64


def case(name, make, options, shapes=((2, 3), (3,)), steps=4):
    options = {"lr": 0.02, **options} if options.get("lr", 0) is not None else {k: v for k, v in options.items() if k != "lr"}
    seed = len(cases) * 100
    initial = [short(numbers(*shape, seed=seed + i)) for i, shape in enumerate(shapes)]
    parameters = [torch.nn.Parameter(p.clone()) for p in initial]
    optimizer = make(parameters, **options)
    gradients, expected = [], []
    for step in range(steps):
        grads = [short(numbers(*shape, seed=seed + 10 * (step + 1) + i)) for i, shape in enumerate(shapes)]
        for p, g in zip(parameters, grads):
            p.grad = g.clone()
        optimizer.step()
        gradients.append([exact_tensor(g) for g in grads])
        expected.append([tensor(p) for p in parameters])
    own = shown(options)
    brief = ",".join(f"{k}={v}" for k, v in own.items())
    cases.append({"id": f"{name}[{brief}]", "name": name, "options": own, "initialParameters": [exact_tensor(p) for p in initial], "gradients": gradients, "expected": expected})


class Lion(optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                g = -p.grad if group["maximize"] else p.grad
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * torch.sign(b1 * m + (1 - b1) * g))
                m.copy_(b2 * m + (1 - b2) * g)


class Lamb(optim.Optimizer):
    """You et al. 2020, algorithm 2, with phi the identity."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                g = -p.grad if group["maximize"] else p.grad
                state = self.state[p]
                m, v = state.setdefault("m", torch.zeros_like(p)), state.setdefault("v", torch.zeros_like(p))
                t = state["t"] = state.get("t", 0) + 1
                m.copy_(b1 * m + (1 - b1) * g)
                v.copy_(b2 * v + (1 - b2) * g * g)
                r = (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + group["eps"]) + group["weight_decay"] * p
                weights, step = p.norm(), r.norm()
                p.sub_(group["lr"] * (weights / step if weights > 0 and step > 0 else 1.0) * r)


def muon(parameters, **options):
    torch.bfloat16 = torch.float64
    optimizer = optim.Muon(parameters, **options)
    return optimizer


for options in [{"lr": None}, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1, "maximize": True}, {"weight_decay": 0.5}, {"maximize": True}, {"momentum": 0.5, "nesterov": True, "maximize": True}, {"momentum": 0.5, "nesterov": True, "weight_decay": 0.2}]:
    case("sgd", optim.SGD, options)
for name, make in [("adam", optim.Adam), ("adamw", optim.AdamW)]:
    for options in [{"lr": None}, {"betas": (0.0, 0.5)}, {"eps": 0.1}, {"amsgrad": True, "betas": (0.5, 0.3)}, {"maximize": True, "weight_decay": 0.3}, {"amsgrad": True, "maximize": True, "eps": 1e-3, "weight_decay": 0.2}]:
        case(name, make, options)
for options in [{"decoupled_weight_decay": True, "weight_decay": 0.3}, {"decoupled_weight_decay": True, "weight_decay": 0.2, "amsgrad": True, "maximize": True}]:
    case("adam", optim.Adam, options)
for options in [{"lr": None}, {"momentum": 0.5, "centered": True, "weight_decay": 0.1}, {"maximize": True, "eps": 0.01}, {"alpha": 0.5, "centered": True, "maximize": True}, {"momentum": 0.9, "maximize": True}]:
    case("rmsprop", optim.RMSprop, options)
for options in [{"lr": None}, {"initial_accumulator_value": 0.5}, {"lr_decay": 0.5, "initial_accumulator_value": 0.1, "eps": 0.01}, {"maximize": True, "weight_decay": 0.2}]:
    case("adagrad", optim.Adagrad, options)
for options in [{"lr": None}, {"rho": 0.5, "eps": 0.01}, {"maximize": True, "weight_decay": 0.1, "lr": 0.5}]:
    case("adadelta", optim.Adadelta, options)
for options in [{"lr": None}, {"betas": (0.5, 0.7), "eps": 0.1}, {"maximize": True, "weight_decay": 0.1}]:
    case("adamax", optim.Adamax, options)
for options in [{"lr": None}, {"momentum_decay": 0.1}, {"decoupled_weight_decay": True, "weight_decay": 0.3}, {"betas": (0.5, 0.9), "eps": 0.01, "maximize": True, "weight_decay": 0.1}, {"momentum_decay": 0.0, "decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True}]:
    case("nadam", optim.NAdam, options)
for options in [{"lr": None}, {"betas": (0.5, 0.8)}, {"decoupled_weight_decay": True, "weight_decay": 0.3}, {"eps": 0.01, "betas": (0.9, 0.9), "maximize": True, "weight_decay": 0.1}]:
    case("radam", optim.RAdam, options, steps=8)
for options in [{"lr": None}, {"lambd": 0.1, "alpha": 0.5}, {"t0": 1.0, "lambd": 0.0}, {"maximize": True, "weight_decay": 0.1, "alpha": 1.0, "lambd": 0.01}]:
    case("asgd", optim.ASGD, options)
for options in [{"lr": None}, {"etas": (0.3, 1.5)}, {"step_sizes": (0.015, 0.022)}, {"maximize": True, "etas": (0.9, 1.05)}]:
    case("rprop", optim.Rprop, options, steps=7)
for options in [{"lr": None}, {"maximize": True, "weight_decay": 0.2}, {"betas": (0.5, 0.6)}]:
    case("lion", Lion, options)
    case("lamb", Lamb, options)
case("lamb", Lamb, {"eps": 0.1, "betas": (0.3, 0.9), "weight_decay": 0.3})
wide = ((2, 3), (3,), (2, 2, 3), (2, 3, 2, 2))
for options in [{"lr": None}, {"beta2_decay": -0.5, "d": 2.0}, {"eps": (0.3, 0.2)}, {"eps": (None, 10.0), "weight_decay": 0.3}, {"maximize": True, "weight_decay": 0.1, "lr": 2.0}]:
    case("adafactor", optim.Adafactor, options, shapes=wide, steps=4)
matrices = ((2, 3), (4, 2), (3, 3))
for options in [{"lr": None}, {"nesterov": False}, {"ns_steps": 2}, {"ns_coefficients": (1.5, -0.5, 0.0), "ns_steps": 8}, {"adjust_lr_fn": "match_rms_adamw"}, {"adjust_lr_fn": "spectral_unclamped", "weight_decay": 0.0}, {"adjust_lr_fn": "original", "momentum": 0.5, "weight_decay": 0.4}, {"eps": 10.0}]:
    case("muon", muon, options, shapes=matrices, steps=4)
torch.bfloat16 = _bfloat16


def clip(name, options, apply):
    seed = len(cases) * 100
    gradients = [short(numbers(*shape, seed=seed + i)) for i, shape in enumerate([(2, 3), (4,), ()])]
    parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = g.clone()
    total = apply(parameters)
    expected = {"gradients": [tensor(p.grad) for p in parameters]}
    if total is not None:
        expected["totalNorm"] = number(total)
    own = {key: number(value) for key, value in options.items()}
    cases.append({"id": f"{name}[{','.join(f'{k}={v}' for k, v in own.items())}]", "name": name, "options": own, "gradients": [exact_tensor(g) for g in gradients], "expected": expected})


for maximum, order in [(0.1, 2.0), (1.0, 3.0), (0.5, 0.5), (2.0, math.inf), (1e3, 1.0)]:
    clip("clipGradNorm", {"maxNorm": maximum, "normType": order}, lambda ps: torch.nn.utils.clip_grad_norm_(ps, maximum, order))
for value in [0.1, 100.0]:
    clip("clipGradValue", {"clipValue": value}, lambda ps: torch.nn.utils.clip_grad_value_(ps, value))

write("optimizers", cases)
