"""Pictures in and out: files to pixels, pixels to tensors, and how low resolution is made of high.

Start with `picture`, the value that everything else handles; `files` reads and writes it, `inputs` takes whatever a
user hands in.
"""
