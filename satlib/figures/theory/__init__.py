"""Figures of Theorem 3.2 and of what was measured of it."""
