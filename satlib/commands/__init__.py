"""The commands of `satlib`: one module, one typer-annotated function each; `satlib.commands.app` puts them together."""
