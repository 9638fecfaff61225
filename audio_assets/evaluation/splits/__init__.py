"""Which recordings are trained on and which are tested, in each repeat and fold."""
