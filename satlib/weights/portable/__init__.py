"""Networks as ONNX files, for programs without torch; needs the extra "onnx".

`export`, in `file`, writes one and checks it. `network` is the function that is exported: a twin of `satlib.plain`, and
its first lines say why; `windows` is its local attention, `sampler` and `twister` draw the samples in the file, `graph`
calls the exporter and `check` compares.
"""

from satlib.support.extras import needing

with needing("onnx"):
    from satlib.weights.portable.check import Agreement, knobs
    from satlib.weights.portable.file import export

__all__ = ["Agreement", "export", "knobs"]
