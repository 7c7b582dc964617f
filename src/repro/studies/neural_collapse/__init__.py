"""Neural collapse in unconstrained-feature models and small networks (Papyan et al. 2020, Dang et al. 2023)."""
