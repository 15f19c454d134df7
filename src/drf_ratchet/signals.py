"""Signals that are sent when sessions change.

Each is sent after the change is committed, with ``send_robust``. If a receiver raises, Django logs
it and nothing else changes. The sender is the ``Session`` class. All but ``sessions_cut_off`` carry
``session`` (the row, with ``session.user`` loaded or None) and ``request`` (or None).

* ``session_opened``: a device signed in.
* ``signed_in_elsewhere``: a device signed in that this user has not used, or from such a network;
  ``new_device`` and ``new_network`` say which. Not sent for a user's first session.
* ``session_refreshed``: new tokens were issued; ``outcome`` says how (advance, repeat, hold,
  catch_up).
* ``session_ended``: a session ended, once per session; ``reason`` is its ``end_reason``.
* ``reuse_detected``: a refresh token behind the counter was used, and its session was ended.
* ``sessions_cut_off``: all sessions opened before a moment are being ended. It carries ``before``
  (a datetime) and ``reason``, and replaces the ``session_ended`` of each.
* ``session_caught_up``: a refresh token was ahead of the database, which has lost writes;
  ``generation`` is the token's.

Django's ``user_logged_in``, ``user_logged_out`` and ``user_login_failed`` are sent as well.
"""

from django.dispatch import Signal

session_opened = Signal()
signed_in_elsewhere = Signal()
session_refreshed = Signal()
session_ended = Signal()
reuse_detected = Signal()
session_caught_up = Signal()
sessions_cut_off = Signal()
