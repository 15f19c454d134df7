"""Everything that is under attack."""

from tests.fuzz.codec_targets import CODEC_TARGETS
from tests.fuzz.endpoint_targets import endpoint_targets
from tests.fuzz.site import Site
from tests.fuzz.target import Target


def all_targets(site: Site) -> list[Target]:
    """The codec's and those that need a site."""
    return [*CODEC_TARGETS, *endpoint_targets(site)]
