"""Figures of density-driven token aggregation: samples, centres, clusters, merged tokens."""
