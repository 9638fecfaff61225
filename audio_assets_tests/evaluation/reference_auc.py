"""Recompute published ROC-AUC values with scikit-learn alone, knowing the tables but not the code.

    python reference_auc.py MANIFEST EMBEDDINGS FOLD_SCORES VARIANT

takes the Parquet files of one species and one model with the logistic head, and prints how many
values were recomputed and the largest difference.
"""

import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize


def largest_difference(
    manifest: pd.DataFrame, embeddings: pd.DataFrame, fold_scores: pd.DataFrame, variant: str
) -> tuple[int, float]:
    usable = embeddings[embeddings["status"] == "ok"].set_index("clip_id")
    plan = manifest[(manifest["variant"] == variant) & manifest["clip_id"].isin(usable.index)]
    published = fold_scores[
        (fold_scores["metric"] == "roc_auc")
        & (fold_scores["training_size"] > 0)
        & fold_scores["value"].notna()
    ]
    differences = []
    for row in published.itertuples():
        clips = plan[(plan["repeat"] == row.repeat) & (plan["held_out_fold"] == row.fold)]
        clips = clips.sort_values("rank")
        outside = clips[clips["fold"] != row.fold]
        train = outside.groupby("label").head(row.training_size)
        test = clips[clips["fold"] == row.fold]
        assert (train["label"].value_counts() == row.training_size).all()
        assert not set(train["recording_id"]) & set(test["recording_id"])
        x_train, x_test = (
            normalize(np.stack(usable.loc[part["clip_id"], "embedding"]).astype(np.float64))
            for part in (train, test)
        )
        model = LogisticRegression(C=10.0, tol=1e-10, max_iter=10000)
        model.fit(x_train, train["label"] == "pos")
        auc = roc_auc_score(test["label"] == "pos", model.decision_function(x_test))
        differences.append(abs(auc - row.value))
    return len(differences), max(differences)


if __name__ == "__main__":
    tables = [pd.read_parquet(path) for path in sys.argv[1:4]]
    count, largest = largest_difference(*tables, sys.argv[4])
    print(f"{count} values, largest difference {largest:.3g}")
    sys.exit(largest > 1e-12)
