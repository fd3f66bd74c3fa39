"""Who is at fault in an incident: causes weighed on the same observations, or none named."""

from drillbook.analysis.culprit.judging import Judgement, judge
from drillbook.analysis.culprit.scene import Badness, Scene, Trouble

__all__ = ["Badness", "Judgement", "Scene", "Trouble", "judge"]
