"""What is counted and timed, how, and the programs that do it. Not part of the installed package."""
