"""The network of the paper: tensors in, tensors out. It knows no files, no devices and no pictures.

Start with `model`, the whole network from top to bottom; then `blocks`, and `attention`, its two kinds of layers.
`windows` cuts an image into rectangles, `geometry` is what depends on sizes alone, `attend` and `torch_attention`
choose how the attention itself is computed.
"""
