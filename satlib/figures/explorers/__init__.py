"""The pictures that explorers show and redraw."""
