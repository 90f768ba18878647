"""Networks for other places: a folder for the Hugging Face hub, an entry of OpenModelDB; one module for each of them.

Nothing is published from here, and no address is guessed: where something will lie is an argument. `satlib export`
chooses among the modules (`satlib.commands.export`); start with `hugging_face`.
"""
