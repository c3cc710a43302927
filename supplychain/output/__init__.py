"""Reports as text for people and as JSON for programs. Pure: nothing is printed here, and no clock or terminal is asked."""

from supplychain.output.judgement import Judgement, Scope

__all__ = ["Judgement", "Scope"]
