"""Tests of the demo, the blog in `demo/`."""
