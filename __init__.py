"""RingTrace: graph analytics that finds groups acting together in medical-insurance claims and explains them."""

from importlib.metadata import version

__version__ = version("ringtrace")
