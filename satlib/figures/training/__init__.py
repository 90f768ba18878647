"""Figures of training runs, and of what they were trained on."""
