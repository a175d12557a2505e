"""
Metrics of weighted samples by scikit-learn, for random cases: packages/trainer/test/weighted.json.

    python packages/conformance/golden/generate/weighted_metrics.py [cases [file]]

The cases are drawn by a linear congruential generator, which the test draws again: only the results are written.
"""

import json
import math
import pathlib
import sys
import warnings

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    r2_score,
    roc_auc_score,
    top_k_accuracy_score,
)

CASES = 200


def generator(seed):
    state = seed

    def draw(below):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return (state >> 16) % below

    return draw


def averages(truth, predicted, weights, names):
    return [
        value
        for average in names
        for value in precision_recall_fscore_support(truth, predicted, average=average, sample_weight=weights, zero_division=0)[:3]
    ]


def case(seed):
    draw = generator(seed)
    classes = 3 + draw(3)
    count = classes + 1 + draw(12)
    # Different scores in each row: how ties are ranked is each library's own affair.
    scores = np.array([[1 + draw(8) * classes + k for k in range(classes)] for _ in range(count)], dtype=np.float64)
    labels = np.array([i if i < classes else draw(classes) for i in range(count)])
    # Some samples count for nothing; the first never does.
    weights = np.array([draw(5) + (1 if i == 0 else 0) for i in range(count)], dtype=np.float64) / 4
    answers = np.array([draw(7) for _ in range(count)], dtype=np.float64) / 8
    yes = np.array([i if i < 2 else draw(2) for i in range(count)])
    many = np.array([[draw(2) for _ in range(3)] for _ in range(count)])
    # Rows that do not add up to 1, and are labels therefore.
    said = (np.array([[draw(9) for _ in range(3)] for _ in range(count)], dtype=np.float64) + 0.5) / 9
    numbers = np.array([[draw(17) for _ in range(2)] for _ in range(count)], dtype=np.float64) / 8
    guesses = np.array([[draw(17) for _ in range(2)] for _ in range(count)], dtype=np.float64) / 8
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    names = list(range(classes))
    means = ("macro", "micro", "weighted")
    multi = {"labels": names, "multi_class": "ovr", "sample_weight": weights}
    return [
        accuracy_score(labels, predicted, sample_weight=weights),
        top_k_accuracy_score(labels, probabilities, k=2, labels=names, sample_weight=weights),
        log_loss(labels, probabilities, labels=names, sample_weight=weights),
        *averages(labels, predicted, weights, means),
        roc_auc_score(labels, probabilities, average="macro", **multi),
        roc_auc_score(labels, probabilities, average="weighted", **multi),
        accuracy_score(yes, answers >= 0.5, sample_weight=weights),
        log_loss(yes, answers, labels=[0, 1], sample_weight=weights),
        *averages(yes, (answers >= 0.5).astype(int), weights, ("binary",)),
        roc_auc_score(yes, answers, sample_weight=weights),
        average_precision_score(yes, answers, sample_weight=weights) if weights[yes == 1].sum() > 0 else math.nan,
        *averages(many, (said >= 0.5).astype(int), weights, means),
        mean_squared_error(numbers, guesses, sample_weight=weights),
        mean_absolute_error(numbers, guesses, sample_weight=weights),
        r2_score(numbers, guesses, sample_weight=weights),
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    target = pathlib.Path(__file__).parents[3] / "trainer" / "test" / "weighted.json"
    if len(sys.argv) > 2:
        target = pathlib.Path(sys.argv[2])
    rows = [[None if math.isnan(value) else float(f"{value:.9g}") for value in case(seed)] for seed in range(cases)]
    target.write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
