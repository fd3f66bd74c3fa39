"""Whether a program written before some migrations may serve on the schema after them."""

from drillbook.analysis.oldcode.judging import Break, breaks_old_code

__all__ = ["Break", "breaks_old_code"]
