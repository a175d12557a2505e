"""
Scores of classifiers by scikit-learn, for hundreds of random cases: packages/trainer/test/classification.json.

    python packages/conformance/golden/generate/classification.py

The cases are drawn by a linear congruential generator, which the test draws again: only the results are written.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support, roc_auc_score

CASES = 400


def generator(seed):
    state = seed

    def draw(below):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return (state >> 16) % below

    return draw


def case(seed):
    draw = generator(seed)
    classes = 2 + draw(4)
    count = classes + draw(12)
    scores = np.array([[1 + draw(8) for _ in range(classes)] for _ in range(count)], dtype=np.float64)
    # Every class occurs: without one, the area under its curve is not defined.
    labels = np.array([i if i < classes else draw(classes) for i in range(count)])
    weights = np.array([draw(5) + 1 for _ in range(count)], dtype=np.float64)
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    names = list(range(classes))
    result = {}
    for key, weight in (("plain", None), ("sampleWeights", weights)):
        each = precision_recall_fscore_support(labels, predicted, labels=names, sample_weight=weight, zero_division=0)
        means = {
            average: precision_recall_fscore_support(
                labels, predicted, labels=names, average=average, sample_weight=weight, zero_division=0
            )[:3]
            for average in ("macro", "weighted")
        }
        result[key] = [
            *np.concatenate(each[:3]),
            *means["macro"],
            *means["weighted"],
            accuracy_score(labels, predicted, sample_weight=weight),
            *confusion_matrix(labels, predicted, labels=names, sample_weight=weight).ravel(),
        ]
    if classes == 2:
        result["auc"] = [roc_auc_score(labels, probabilities[:, 1])] * 4
    else:
        result["auc"] = [
            roc_auc_score(labels, probabilities, multi_class=multi, average=average, labels=names)
            for multi in ("ovr", "ovo")
            for average in ("macro", "weighted")
        ]
    return {key: [float(f"{value:.9g}") for value in values] for key, values in result.items()}


if __name__ == "__main__":
    warnings.simplefilter("error")
    target = pathlib.Path(__file__).parents[3] / "trainer" / "test" / "classification.json"
    lines = ",\n".join(json.dumps(case(seed), separators=(",", ":")) for seed in range(CASES))
    target.write_text(f"[\n{lines}\n]\n")
