"""Helpers for the tests of projects that use drf-ratchet. See docs/testing.md.

This module is empty, so that pytest can load ``testing.plugin`` without Django.
"""
