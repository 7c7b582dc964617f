"""Rows whose responses are known as means of bags only: which loss, and how large a bag.

After Javanmard and colleagues (2024), who compare the loss of bags with that of rows; ridge beside them.
"""

CHAPTER = "bags_and_quantiles"
