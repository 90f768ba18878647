"""The commands of `satlib`: one module, one typer-annotated function each; `satlib.cli` puts them together."""
