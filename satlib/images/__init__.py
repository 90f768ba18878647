"""Pictures in and out: files to pixels, pixels to tensors, and how low resolution is made of high.

Start with `picture`, the value that everything else handles. `files` reads and writes it, through `png`, `tiff` and
`pil_images`; `formats` is the one list of what counts as an image; `inputs` takes whatever a user hands in.
"""
