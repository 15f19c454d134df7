from datetime import timedelta

from settings import *  # noqa: F403
from settings import INSTALLED_APPS

ROOT_URLCONF = "shape_urls"
if "drf_ratchet" in INSTALLED_APPS:
    DRF_RATCHET = {"FRESHNESS": "bounded", "FEED_INTERVAL": timedelta(milliseconds=1)}
