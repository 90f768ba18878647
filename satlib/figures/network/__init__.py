"""Figures of the network: its windows, its attention, its parts."""
