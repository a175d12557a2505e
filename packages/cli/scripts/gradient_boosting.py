"""`ermine train` next to scikit-learn's gradient boosting, on tables that scikit-learn ships: mean of five folds each.

    python packages/cli/scripts/gradient_boosting.py        # scikit-learn is installed, and the package is built

Exits with 1 where accuracy is more than 0.03, or R² more than 0.08, below, or where it is below the linear model's.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

from sklearn import datasets
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

COMMAND = pathlib.Path(__file__).parents[1] / "dist" / "main.js"
TABLES = ["breast_cancer", "wine", "diabetes"]


def ermine(folder, name, bunch, is_regression):
    """The score of `ermine train --folds 5`, and its linear baseline's."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, "target"])
        for row, target in zip(bunch.data, bunch.target):
            writer.writerow([*map(float, row), target if is_regression else f"class {target}"])
    command = ["node", COMMAND, "train", path, "--target", "target", "--folds", "5", "--backend", "cpu"]
    run = subprocess.run([*command, "--out", folder / name, "--json"], check=True, capture_output=True, text=True)
    end = json.loads(run.stdout.strip().splitlines()[-1])
    score = "r2" if is_regression else "accuracy"
    return end["metrics"][score], end["baseline"]["linear"][score]


def gradient_boosting(bunch, is_regression):
    model = (GradientBoostingRegressor if is_regression else GradientBoostingClassifier)(random_state=0)
    folds = (KFold if is_regression else StratifiedKFold)(5, shuffle=True, random_state=0)
    return cross_val_score(model, bunch.data, bunch.target, cv=folds).mean()


def main():
    is_good = True
    print(f"{'table':<14} {'score':<9} {'ermine':>7} {'linear':>7} {'boosting':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in TABLES:
            bunch = getattr(datasets, f"load_{name}")()
            is_regression = bunch.target.dtype.kind == "f"
            score, linear = ermine(pathlib.Path(folder), name, bunch, is_regression)
            boosting = gradient_boosting(bunch, is_regression)
            is_near = score >= boosting - (0.08 if is_regression else 0.03)
            is_linear = score >= linear - 1e-6
            is_good = is_good and is_near and is_linear
            label = "R2" if is_regression else "accuracy"
            print(f"{name:<14} {label:<9} {score:7.4f} {linear:7.4f} {boosting:9.4f}{'' if is_near and is_linear else '  too far below'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
