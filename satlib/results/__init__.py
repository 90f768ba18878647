"""Committed numbers, and how they are read: the paper's tables, measured times, trainings that were compared.

Nothing is computed here; ``python -m benchmarks`` writes the files.
"""
