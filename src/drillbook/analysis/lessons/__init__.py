"""What a run taught about its book, as edits of the book's text."""

from drillbook.analysis.lessons.editing import diff_of, edited
from drillbook.analysis.lessons.learning import Lesson, lessons

__all__ = ["Lesson", "diff_of", "edited", "lessons"]
