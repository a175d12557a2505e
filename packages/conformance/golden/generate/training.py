"""Training: layers, losses, optimizers and schedules together, with uneven batches, ignored targets and integer inputs."""

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as S

from golden import exact_tensor, number, numbers, tensor, write

LAYERS = {
    "linear": (nn.Linear, {"inFeatures": "in_features", "outFeatures": "out_features"}),
    "conv1d": (nn.Conv1d, {"inChannels": "in_channels", "outChannels": "out_channels", "kernelSize": "kernel_size"}),
    "conv2d": (nn.Conv2d, {"inChannels": "in_channels", "outChannels": "out_channels", "kernelSize": "kernel_size"}),
    "maxPool2d": (nn.MaxPool2d, {"kernelSize": "kernel_size"}),
    "avgPool2d": (nn.AvgPool2d, {"kernelSize": "kernel_size"}),
    "adaptiveAvgPool2d": (nn.AdaptiveAvgPool2d, {"outputSize": "output_size"}),
    "batchNorm2d": (nn.BatchNorm2d, {"numFeatures": "num_features"}),
    "groupNorm": (nn.GroupNorm, {"numGroups": "num_groups", "numChannels": "num_channels"}),
    "layerNorm": (nn.LayerNorm, {"normalizedShape": "normalized_shape"}),
    "embedding": (nn.Embedding, {"numEmbeddings": "num_embeddings", "embeddingDim": "embedding_dim"}),
    "flatten": (nn.Flatten, {}),
    "relu": (nn.ReLU, {}),
    "gelu": (nn.GELU, {}),
    "silu": (nn.SiLU, {}),
    "mish": (nn.Mish, {}),
    "elu": (nn.ELU, {}),
    "tanh": (nn.Tanh, {}),
    "sigmoid": (nn.Sigmoid, {}),
    "softplus": (nn.Softplus, {}),
    "hardSwish": (nn.Hardswish, {}),
    "logSoftmax": (nn.LogSoftmax, {"axis": "dim"}),
}
LOSSES = {
    "mse": nn.MSELoss,
    "l1": nn.L1Loss,
    "smoothL1": nn.SmoothL1Loss,
    "crossEntropy": nn.CrossEntropyLoss,
    "nll": nn.NLLLoss,
    "bceWithLogits": nn.BCEWithLogitsLoss,
    "poissonNll": nn.PoissonNLLLoss,
}
OPTIMIZERS = {
    "sgd": optim.SGD,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "adamax": optim.Adamax,
    "adagrad": optim.Adagrad,
    "adadelta": optim.Adadelta,
    "rmsprop": optim.RMSprop,
    "asgd": optim.ASGD,
}
RENAMED = {
    "learningRate": "lr",
    "weightDecay": "weight_decay",
    "epsilon": "eps",
    "learningRateDecay": "lr_decay",
    "labelSmoothing": "label_smoothing",
    "ignoreIndex": "ignore_index",
    "posWeight": "pos_weight",
    "logInput": "log_input",
    "negativeSlope": "negative_slope",
}

cases = []


def torch_options(options):
    named = {RENAMED.get(key, key): value for key, value in options.items() if key not in ("beta1", "beta2")}
    return {**named, "betas": (options["beta1"], options["beta2"])} if "beta1" in options else named


def case(name, layers, inputs, targets, loss, optimizer, sizes, steps, schedule=None, cycled=None):
    seed = 100 + len(cases)
    model = nn.Sequential(*[LAYERS[kind][0](**{LAYERS[kind][1].get(k, RENAMED.get(k, k)): v for k, v in options.items()}) for kind, options in layers]).double()
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            start = numbers(*parameter.shape, seed=seed * 31 + index, scale=0.4)
            parameter.copy_(start.abs() + 0.5 if parameter.dim() == 1 and isinstance(model[0], nn.BatchNorm2d) else start)
    initial = {key: exact_tensor(value) for key, value in model.named_parameters()}
    made = {
        "id": name,
        "model": [{"type": kind, **options} for kind, options in layers],
        "initialParameters": initial,
        "data": {"inputs": exact_tensor(inputs), "targets": exact_tensor(targets)},
    }
    weights = {key: value for key, value in loss[1].items() if isinstance(value, torch.Tensor)}
    risk = LOSSES[loss[0]](**torch_options(loss[1]))
    update = OPTIMIZERS[optimizer[0]](model.parameters(), **torch_options(optimizer[1]))
    rate = None if schedule is None else schedule[2](update)
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed)).tolist()
    batches, losses, start = [], [], 0
    for step in range(steps):
        size = sizes[step % len(sizes)]
        rows = [order[(start + i) % len(order)] for i in range(size)]
        start += size
        batches.append(rows)
        value = risk(model(inputs[rows]), targets[rows])
        update.zero_grad()
        value.backward()
        update.step()
        if rate is not None:
            rate.step()
        losses.append(number(value))
    made["batches"] = batches
    made["loss"] = {"name": loss[0], "options": {**loss[1], **{key: exact_tensor(value) for key, value in weights.items()}}}
    made["optimizer"] = {"name": optimizer[0], "options": optimizer[1]}
    if schedule is not None:
        made["schedule"] = {"name": schedule[0], "options": schedule[1]}
    if cycled is not None:
        made["cycledMomentum"] = cycled
    made["expected"] = {"lossPerStep": losses, "finalParameters": {key: tensor(value) for key, value in model.named_parameters()}}
    buffers = {key: tensor(value) for key, value in model.named_buffers() if "num_batches" not in key}
    if buffers:
        made["expected"]["finalBuffers"] = buffers
    cases.append(made)


def classes(count, rows, seed, ignore=None):
    drawn = torch.randint(0, count, (rows,), generator=torch.Generator().manual_seed(seed))
    if ignore is not None:
        drawn[::5] = ignore
    return drawn


def mlp(activation, features, outputs, hidden=6):
    return [("linear", {"inFeatures": features, "outFeatures": hidden}), (activation, {}), ("linear", {"inFeatures": hidden, "outFeatures": outputs})]


x4 = numbers(40, 4, seed=1)
y3 = classes(3, 40, seed=2)
real = numbers(40, 1, seed=3)
images = numbers(24, 2, 6, 6, seed=4)
labels = classes(3, 24, seed=5)

case("ignored and weighted/adam", mlp("mish", 4, 3), x4, classes(3, 40, 6, ignore=2), ("crossEntropy", {"ignoreIndex": 2, "weight": numbers(3, seed=7).abs(), "labelSmoothing": 0.1}), ("adam", {"learningRate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6}), [16, 16, 8, 3], 24)
case("distributions/nadam", mlp("elu", 4, 3), x4, torch.softmax(numbers(40, 3, seed=8), 1).to(torch.float32).double(), ("crossEntropy", {"labelSmoothing": 0.2}), ("nadam", {"learningRate": 0.01, "weightDecay": 0.05}), [16, 16, 8], 24)
case("nll of logSoftmax/radam", [*mlp("softplus", 4, 3), ("logSoftmax", {"axis": 1})], x4, y3, ("nll", {}), ("radam", {"learningRate": 0.02}), [10, 7], 24)
case("multi-label/adamax/linear", mlp("sigmoid", 4, 3), x4, (numbers(40, 3, seed=9) > 0).double(), ("bceWithLogits", {"posWeight": numbers(3, seed=10).abs()}), ("adamax", {"learningRate": 0.02, "weightDecay": 0.02}), [16, 16, 8], 24, ("linear", {"startFactor": 0.2, "totalSteps": 10}, lambda o: S.LinearLR(o, 0.2, 1.0, 10)))
case("l1/adagrad", mlp("tanh", 4, 1), x4, real, ("l1", {}), ("adagrad", {"learningRate": 0.05, "learningRateDecay": 0.02, "weightDecay": 0.01}), [16, 1], 24)
case("smoothL1/adadelta", mlp("hardSwish", 4, 1), x4, real, ("smoothL1", {"beta": 0.5}), ("adadelta", {"learningRate": 0.8, "rho": 0.8}), [16, 16, 8], 24)
case("poisson/rmsprop/exponential", mlp("gelu", 4, 1), x4, torch.floor(real.abs() * 2), ("poissonNll", {}), ("rmsprop", {"learningRate": 0.01, "alpha": 0.9, "momentum": 0.5, "centered": True, "weightDecay": 0.01}), [16, 16, 8], 24, ("exponential", {"gamma": 0.95}, lambda o: S.ExponentialLR(o, 0.95)))
# Without a schedule: PyTorch's asgd takes a new rate one step late (docs/differences-from-pytorch.md).
case("asgd", mlp("silu", 4, 3), x4, y3, ("crossEntropy", {}), ("asgd", {"learningRate": 0.05, "weightDecay": 0.01}), [16, 16, 8], 24)
case("adamw/multiStep", mlp("silu", 4, 3), x4, y3, ("crossEntropy", {}), ("adamw", {"learningRate": 0.05, "weightDecay": 0.01}), [16, 16, 8], 24, ("multiStep", {"milestones": [5, 15], "gamma": 0.3}, lambda o: S.MultiStepLR(o, [5, 15], 0.3)))
case("amsgrad/oneCycle", mlp("relu", 4, 3), x4, y3, ("crossEntropy", {}), ("adamw", {"learningRate": 0.02, "weightDecay": 0.2, "amsgrad": True}), [16, 16, 8], 24, ("oneCycle", {"maxLearningRate": 0.02, "totalSteps": 25}, lambda o: S.OneCycleLR(o, 0.02, 25, cycle_momentum=False)))
case("dampened/cosineWarmRestarts", mlp("relu", 4, 3), x4, y3, ("crossEntropy", {}), ("sgd", {"learningRate": 0.1, "momentum": 0.8, "dampening": 0.3, "weightDecay": 0.02}), [16, 16, 8], 24, ("cosineWarmRestarts", {"firstCycleSteps": 6, "cycleFactor": 2, "minLearningRate": 0.01}, lambda o: S.CosineAnnealingWarmRestarts(o, 6, 2, 0.01)))
case("climbing/sgd", mlp("tanh", 4, 1), x4, real, ("mse", {}), ("sgd", {"learningRate": 0.001, "maximize": True}), [16, 16, 8], 12)
convolutions = [
    ("conv2d", {"inChannels": 2, "outChannels": 4, "kernelSize": 3, "padding": 1, "bias": False}),
    ("batchNorm2d", {"numFeatures": 4, "momentum": 0.3}),
    ("relu", {}),
    ("maxPool2d", {"kernelSize": 2}),
    ("conv2d", {"inChannels": 4, "outChannels": 6, "kernelSize": 3, "groups": 2}),
    ("groupNorm", {"numGroups": 3, "numChannels": 6}),
    ("gelu", {}),
    ("flatten", {}),
    ("linear", {"inFeatures": 6, "outFeatures": 3}),
]
case("normalized cnn/sgd-nesterov", convolutions, images, labels, ("crossEntropy", {}), ("sgd", {"learningRate": 0.05, "momentum": 0.9, "nesterov": True}), [10, 10, 4], 15)
strided = [
    ("conv2d", {"inChannels": 2, "outChannels": 4, "kernelSize": [3, 2], "stride": [2, 1], "padding": [1, 0], "dilation": [1, 2]}),
    ("silu", {}),
    ("avgPool2d", {"kernelSize": 2, "stride": 1, "padding": 1}),
    ("adaptiveAvgPool2d", {"outputSize": [2, 3]}),
    ("flatten", {}),
    ("layerNorm", {"normalizedShape": [24]}),
    ("linear", {"inFeatures": 24, "outFeatures": 3}),
]
case("strided cnn/adamw", strided, images, labels, ("crossEntropy", {}), ("adamw", {"learningRate": 0.01}), [10, 10, 4], 15)
signals = [("conv1d", {"inChannels": 3, "outChannels": 4, "kernelSize": 3, "stride": 2, "padding": 2}), ("elu", {}), ("flatten", {}), ("linear", {"inFeatures": 20, "outFeatures": 2})]
case("signals/adam", signals, numbers(20, 3, 8, seed=11), numbers(20, 2, seed=12), ("mse", {}), ("adam", {"learningRate": 0.01}), [8, 8, 4], 15)
tokens = torch.randint(0, 9, (30, 4), generator=torch.Generator().manual_seed(13))
case("tokens/adam", [("embedding", {"numEmbeddings": 9, "embeddingDim": 3}), ("flatten", {}), ("linear", {"inFeatures": 12, "outFeatures": 3})], tokens, classes(3, 30, 14), ("crossEntropy", {}), ("adam", {"learningRate": 0.02, "weightDecay": 0.05}), [12, 12, 6], 15)
one_cycle = ("oneCycle", {"maxLearningRate": 0.02, "totalSteps": 25}, lambda o: S.OneCycleLR(o, 0.02, 25))
zigzag = ("cyclic", {"baseLearningRate": 0.002, "maxLearningRate": 0.02, "stepSizeUp": 5, "baseMomentum": 0.5, "maxMomentum": 0.95}, lambda o: S.CyclicLR(o, 0.002, 0.02, step_size_up=5, base_momentum=0.5, max_momentum=0.95))
for name, options, cycled in [
    ("sgd", {"nesterov": True, "momentum": 0.9, "weightDecay": 0.01}, "momentum"),
    ("rmsprop", {"momentum": 0.5}, "momentum"),
    ("adam", {"amsgrad": True}, "beta1"),
    ("adamw", {}, "beta1"),
    ("adamax", {}, "beta1"),
    ("radam", {}, "beta1"),
]:
    for schedule in [one_cycle, zigzag]:
        case(f"cycled momentum/{name}/{schedule[0]}", mlp("tanh", 4, 3), x4, y3, ("crossEntropy", {}), (name, {"learningRate": 0.02, **options}), [16, 16, 8], 24, schedule, cycled)

write("training", cases)
