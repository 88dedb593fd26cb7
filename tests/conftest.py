"""Shared by all tests: Hypothesis without clocks, since these machines are noisy; no proxy for this machine."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("golem_nb", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("golem_nb")

# A proxy of the environment is for installing; tests talk to servers of their own.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
