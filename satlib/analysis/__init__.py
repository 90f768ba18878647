"""What a network's SAA layers do with an image: values and tables, no pictures.

Start with `tracing`, which gives what each layer aggregated; `attention_maps` shows what a query reads, `swapping` what
a network gives with another image's tokens, `controls` what that and other controls cost in decibels, `exact_attention`
what it would gain by reading everything.
"""
