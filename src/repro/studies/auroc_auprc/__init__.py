"""What McDermott and co-authors say about AUROC and AUPRC under class imbalance, where it holds, where it reverses."""
