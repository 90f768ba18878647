"""What any program needs: files that are whole or not there, locks, YAML, progress, checks, threads, missing extras.

Nothing here knows anything about SAT or images. Start with `files`.
"""
