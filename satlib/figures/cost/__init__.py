"""Figures of what SAT costs: multiply-adds by formula, and measured seconds."""
