"""The pictures of the chapters, one file for each: a call with what the chapter has computed draws one figure.

Each function says what there is to see in its alternative text, and returns what a cell displays,
:class:`satlib.figures.kit.show.Shown`. How such figures are made is in the rooms beside this one.
"""
