"""Schedules: options away from their defaults, and what comes after their end."""

import torch
from torch.optim import lr_scheduler as S

from golden import number, write

STEPS = 45
LOSSES = [1.0, 0.9, 0.9, 0.90005, 0.91, 0.95, 0.8, 0.81, 0.82, 0.83, 0.79, 0.79, 0.79, 0.79, 0.78, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.6, 0.6, 0.6, 0.6]
SCORES = [0.1, 0.2, 0.2, 0.2001, 0.2, 0.25, 0.24, 0.23, 0.26, 0.26, 0.26, 0.26, 0.3, -0.1, -0.2, 0.29, 0.28, 0.31, 0.31, 0.31]

cases = []


def case(name, options, base, make, steps=STEPS, metrics=None, cycled=False):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base, momentum=0.5)
    schedule = make(optimizer)
    rate = lambda: number(optimizer.param_groups[0]["lr"])
    momentum = lambda: number(optimizer.param_groups[0]["momentum"])
    expected, momenta = [rate()], [momentum()]
    for k in range(steps if metrics is None else len(metrics)):
        optimizer.step()
        schedule.step() if metrics is None else schedule.step(metrics[k])
        expected.append(rate())
        momenta.append(momentum())
    made = {"id": f"{name}[{','.join(f'{k}={v}' for k, v in options.items())}]", "name": name, "options": options, "baseLearningRate": base, "expected": expected}
    if cycled:
        made["expectedMomentum"] = momenta
    cases.append(made if metrics is None else {**made, "metrics": metrics})


case("step", {"stepSize": 3}, 0.5, lambda o: S.StepLR(o, 3))
case("step", {"stepSize": 1, "gamma": 0.9}, 0.1, lambda o: S.StepLR(o, 1, 0.9))
case("multiStep", {"milestones": [7]}, 0.1, lambda o: S.MultiStepLR(o, [7]))
case("multiStep", {"milestones": [4, 4, 9, 44], "gamma": 0.3}, 0.2, lambda o: S.MultiStepLR(o, [4, 4, 9, 44], 0.3))
case("exponential", {"gamma": 1.02}, 0.01, lambda o: S.ExponentialLR(o, 1.02))
case("cosine", {"totalSteps": 10, "minLearningRate": 0.02}, 0.3, lambda o: S.CosineAnnealingLR(o, 10, 0.02))
case("cosine", {"totalSteps": 7}, 0.3, lambda o: S.CosineAnnealingLR(o, 7))
case("cosineWarmRestarts", {"firstCycleSteps": 4}, 0.3, lambda o: S.CosineAnnealingWarmRestarts(o, 4))
case("cosineWarmRestarts", {"firstCycleSteps": 3, "cycleFactor": 3, "minLearningRate": 0.01}, 0.2, lambda o: S.CosineAnnealingWarmRestarts(o, 3, 3, 0.01))
case("linear", {}, 0.1, lambda o: S.LinearLR(o))
case("linear", {"startFactor": 1.0, "endFactor": 0.1, "totalSteps": 12}, 0.4, lambda o: S.LinearLR(o, 1.0, 0.1, 12))
case("constant", {}, 0.1, lambda o: S.ConstantLR(o))
case("constant", {"factor": 0.5, "totalSteps": 1}, 0.1, lambda o: S.ConstantLR(o, 0.5, 1))
case("polynomial", {}, 0.1, lambda o: S.PolynomialLR(o))
case("polynomial", {"totalSteps": 20, "power": 2.5}, 0.3, lambda o: S.PolynomialLR(o, 20, 2.5))
for options in [
    {"totalSteps": 45},
    {"totalSteps": 45, "anneal": "linear", "percentStart": 0.2, "divFactor": 10.0, "finalDivFactor": 100.0},
    {"totalSteps": 46, "threePhase": True},
    {"totalSteps": 50, "threePhase": True, "percentStart": 0.4, "anneal": "linear"},
    {"totalSteps": 20, "baseMomentum": 0.6, "maxMomentum": 0.99},
    {"totalSteps": 20, "threePhase": True, "baseMomentum": 0.5, "maxMomentum": 0.8, "anneal": "linear"},
]:
    torch_names = {"totalSteps": "total_steps", "percentStart": "pct_start", "divFactor": "div_factor", "finalDivFactor": "final_div_factor", "threePhase": "three_phase", "baseMomentum": "base_momentum", "maxMomentum": "max_momentum"}
    own = {torch_names[k]: v for k, v in options.items() if k in torch_names}
    anneal = "linear" if options.get("anneal") == "linear" else "cos"
    steps = options["totalSteps"] - 1
    case("oneCycle", {"maxLearningRate": 0.4, **options}, 0.4, lambda o: S.OneCycleLR(o, 0.4, anneal_strategy=anneal, **own), steps, cycled=True)
cyclic = lambda o, **rest: S.CyclicLR(o, 0.02, 0.2, **rest)
case("cyclic", {"baseLearningRate": 0.02, "maxLearningRate": 0.2, "stepSizeUp": 5, "stepSizeDown": 9}, 0.02, lambda o: cyclic(o, step_size_up=5, step_size_down=9), cycled=True)
case("cyclic", {"baseLearningRate": 0.02, "maxLearningRate": 0.2, "stepSizeUp": 6, "stepSizeDown": 2, "mode": "triangular2"}, 0.02, lambda o: cyclic(o, step_size_up=6, step_size_down=2, mode="triangular2"), cycled=True)
case("cyclic", {"baseLearningRate": 0.02, "maxLearningRate": 0.2}, 0.02, lambda o: cyclic(o), cycled=True)
case("cyclic", {"baseLearningRate": 0.02, "maxLearningRate": 0.2, "stepSizeUp": 4, "mode": "expRange", "gamma": 0.9}, 0.02, lambda o: cyclic(o, step_size_up=4, mode="exp_range", gamma=0.9), cycled=True)
case("cyclic", {"baseLearningRate": 0.02, "maxLearningRate": 0.2, "stepSizeUp": 4, "mode": "triangular2", "baseMomentum": 0.3, "maxMomentum": 0.95}, 0.02, lambda o: cyclic(o, step_size_up=4, mode="triangular2", base_momentum=0.3, max_momentum=0.95), cycled=True)


def warmup_cosine(o):
    return S.SequentialLR(o, [S.LinearLR(o, 0.25, 1.0, 5), S.CosineAnnealingLR(o, 25, 0.01)], [5])


case("warmupCosine", {"warmupSteps": 5, "startFactor": 0.25, "totalSteps": 30, "minLearningRate": 0.01}, 0.2, warmup_cosine, 30)
for options, metrics in [
    ({}, LOSSES),
    ({"patience": 0, "factor": 0.5, "minLearningRate": 0.003}, LOSSES),
    ({"mode": "max", "patience": 1, "factor": 0.2, "threshold": 0.1}, SCORES),
    ({"mode": "max", "patience": 1, "factor": 0.5, "threshold": 0.02, "thresholdMode": "abs", "cooldown": 1}, SCORES),
    ({"patience": 1, "factor": 0.5, "threshold": 0.05, "thresholdMode": "abs", "cooldown": 3}, LOSSES),
    ({"patience": 1, "factor": 0.5, "epsilon": 0.01}, LOSSES),
]:
    torch_names = {"minLearningRate": "min_lr", "thresholdMode": "threshold_mode", "epsilon": "eps"}
    own = {torch_names.get(k, k): v for k, v in options.items()}
    case("reduceOnPlateau", options, 0.1, lambda o: S.ReduceLROnPlateau(o, **own), metrics=metrics)

write("schedules", cases)
