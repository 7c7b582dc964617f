"""Skill-diverse experts and their aggregation at test time (Zhang et al. 2022)."""
