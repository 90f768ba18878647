"""Figures of outputs and their scores."""
