"""Random tables, and what scikit-learn makes of them: writes sklearn.json next to this file.

    python golden/generate.py        (scikit-learn 1.5 or later)
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

random = np.random.default_rng(0)
numbers = {
    "normal": random.normal(3, 5, 40),
    "large": random.normal(1e6, 1, 40),
    "small": random.normal(0, 1e-6, 40),
    "heavy": random.standard_cauchy(41),
    "counts": random.poisson(2, 30).astype(float),
    "constant": np.full(10, 0.1),
    "one": np.array([7.0]),
    "two": np.array([-1.0, 2.0]),
}
scalers = {
    "standardize": StandardScaler(),
    "minMax": MinMaxScaler(),
    "minMaxTo": MinMaxScaler((-1, 3)),
    "robust": RobustScaler(),
}
cases = []
for name, column in numbers.items():
    new = np.concatenate([column[:5], random.normal(column.mean(), 2, 5)])
    for kind, scaler in scalers.items():
        fitted = scaler.fit(column[:, None])
        scaled = fitted.transform(new[:, None])[:, 0]
        cases.append({"name": name, "kind": kind, "fit": column.tolist(), "new": new.tolist(), "expected": scaled.tolist()})

holes = numbers["normal"].copy()
holes[random.choice(40, 12, replace=False)] = np.nan
for strategy, key in [("mean", "mean"), ("median", "median"), ("most_frequent", "mostFrequent")]:
    column = holes if strategy != "most_frequent" else np.where(np.isnan(holes), np.nan, np.round(holes / 4))
    filled = SimpleImputer(strategy=strategy).fit(column[:, None]).transform(column[:, None])[:, 0]
    none = [None if np.isnan(x) else x for x in column.tolist()]
    cases.append({"name": "holes", "kind": "impute", "strategy": key, "fit": none, "new": none, "expected": filled.tolist()})

texts = random.choice(["mouse", "ermine", "ferret", "Ermine", "é"], 30).tolist()
integers = random.integers(0, 12, 30).tolist()
for name, column, unknown in [("texts", texts, "unknown"), ("integers", integers, 99)]:
    fit = np.array(column, dtype=object)[:, None]
    new = [*column[:8], unknown]
    table = np.array(new, dtype=object)[:, None]
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(fit).transform(table)
    cases.append({"name": name, "kind": "oneHot", "fit": column, "new": new, "expected": hot.ravel().tolist()})
    places = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(fit).transform(table)
    cases.append({"name": name, "kind": "ordinal", "fit": column, "new": new, "expected": places.ravel().tolist()})

path = Path(__file__).with_name("sklearn.json")
path.write_text(json.dumps({"sklearn": sklearn.__version__, "cases": cases}) + "\n")
