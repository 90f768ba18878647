"""What all figures are made with: one style, axes, sliders, and how a figure reaches the page."""
