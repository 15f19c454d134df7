"""For the tests of projects that use drf-ratchet; nothing else imports it. See docs/testing.md.

Empty, so that pytest can load ``testing.plugin`` without Django.
"""
