"""Metrics, by scikit-learn: classes that are missing, ties, several labels and outputs, and other options."""

import numpy as np
import sklearn
import sklearn.metrics as M
import torch

from golden import exact, number, number32, write

cases = []


def numbers(values):
    values = np.asarray(values)
    whole = values.dtype.kind in "iu"
    data = [int(v) if whole else number32(float(v)) for v in values.reshape(-1)]
    return {"shape": list(values.shape), "dtype": "int32" if whole else "float32", "data": data}


def case(name, options, prediction, target, expected):
    shown = ",".join(f"{k}={v}" for k, v in options.items()) or "default"
    value = numbers(expected) if isinstance(expected, np.ndarray) else number(expected)
    cases.append({"id": f"{name}[{shown}]", "name": name, "options": options, "prediction": numbers(prediction), "target": numbers(target), "expected": value})


random = np.random.default_rng(7)
exact32 = lambda values: exact(torch.tensor(np.asarray(values), dtype=torch.float64)).numpy()
softmax = lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True)


def classes(n, k, missing=()):
    """Probabilities, and classes of which some never occur."""
    there = [c for c in range(k) if c not in missing]
    return exact32(softmax(random.normal(size=(n, k)) * 2)), random.choice(there, size=n)


for n, k, missing in [(12, 3, ()), (9, 5, (2, 4)), (5, 2, (0,))]:
    p, y = classes(n, k, missing)
    said = p.argmax(1)
    case("accuracy", {}, p, y, M.accuracy_score(y, said))
    case("logLoss", {}, p, y, M.log_loss(y, p, labels=list(range(k))))
    case("confusionMatrix", {"numClasses": k}, p, y, M.confusion_matrix(y, said, labels=list(range(k))))
    for top in [1, k - 1, k]:
        order = np.argsort(-p, axis=1, kind="stable")[:, :top]
        case("topKAccuracy", {"k": top}, p, y, float(np.mean([y[i] in order[i] for i in range(n)])))
    for average in ["macro", "micro", "weighted"]:
        for name, fn in [("precision", M.precision_score), ("recall", M.recall_score), ("f1", M.f1_score)]:
            case(name, {"average": average}, p, y, fn(y, said, average=average, zero_division=0))

for threshold in [0.25, 0.75, 1.0]:
    p, y = exact32(random.random(15)), random.integers(0, 2, 15)
    said = (p >= threshold).astype(int)
    for name, fn in [("precision", M.precision_score), ("recall", M.recall_score), ("f1", M.f1_score)]:
        case(name, {"average": "binary", "threshold": threshold}, p, y, fn(y, said, zero_division=0))
        case(name, {"average": "macro", "threshold": threshold}, p, y, fn(y, said, average="macro", zero_division=0))
    case("accuracy", {"threshold": threshold}, p, y, M.accuracy_score(y, said))
    case("logLoss", {}, p, y, M.log_loss(y, p))

# Several labels a sample: each a question of its own.
p, y = exact32(random.random((8, 4))), random.integers(0, 2, (8, 4))
p[:, 3] = 0.125
y[:, 2] = 0
for threshold in [0.5, 0.375]:
    said = (p >= threshold).astype(int)
    for average in ["macro", "micro", "weighted"]:
        for name, fn in [("precision", M.precision_score), ("recall", M.recall_score), ("f1", M.f1_score)]:
            case(name, {"average": average, "threshold": threshold}, p, y.astype(np.float64), fn(y, said, average=average, zero_division=0))

ties = exact32(np.round(random.random(20) * 4) / 4)
labels = random.integers(0, 2, 20)
for p, y in [(ties, labels), (exact32(random.random(7)), np.array([0, 1, 1, 1, 0, 1, 1])), (np.full(6, 0.5), np.array([0, 1, 0, 1, 1, 1]))]:
    case("rocAuc", {}, p, y, M.roc_auc_score(y, p))
    case("averagePrecision", {}, p, y, M.average_precision_score(y, p))

for shape in [(9,), (6, 3)]:
    x, y = exact32(random.normal(size=shape) * 3), exact32(random.normal(size=shape) + 5)
    case("meanSquaredError", {}, x, y, M.mean_squared_error(y, x))
    case("meanAbsoluteError", {}, x, y, M.mean_absolute_error(y, x))
    case("r2", {}, x, y, M.r2_score(y, x))
constant = np.full(4, 2.0)
case("r2", {}, constant, constant, M.r2_score(constant, constant))
case("r2", {}, constant + exact32(random.normal(size=4)), constant, M.r2_score(constant, constant + 1))

write("metrics", cases)
print("scikit-learn", sklearn.__version__)
