"""Notebooks for JupyterLab: ``make notebooks`` writes each ``notebooks/NAME.ipynb`` from its source ``NAME.md``.

The source has the directives and roles of the book, and one tag for a cell that the page folds away. JupyterLab knows
neither Sphinx nor the other chapters, so a notebook says the same in words that it knows. Read `cells` first: it cuts a
source into cells. `words` writes references as links, and `targets` knows what they name.
"""
