"""Training on the subsets of a split plan, and the metrics of each test fold."""
