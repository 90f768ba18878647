"""Experiments: trainings that differ in one choice, run one after the other and measured; `satlib experiment`.

Start with `experiment`, the file that describes one.
"""
