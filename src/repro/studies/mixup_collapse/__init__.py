"""Features of networks that are trained with mixup, and their calibration (Fisher, Meng and Papyan 2024)."""
