"""What experiments of one kind share: named tasks, methods, outputs and measures. Nothing here knows a paper."""
